import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { RunStatus } from '../../../definition/record.js';
import { faultCode, storeFault } from '../faults.js';
import { olderRunsFile, runsFile } from '../layout.js';
import { findLost } from './coverage.js';

/** What values a param or metric can have. NaN and the infinities are numbers. */
export type ValueType = 'number' | 'text' | 'boolean' | 'json' | 'null';
export type ValueSource = 'params' | 'metrics' | 'derived';

/** A param or metric that occurs, and the values that it has. */
export interface Occurrence {
  readonly source: ValueSource;
  readonly key: string;
  /** How many runs have a value of each type; `nonfinite` of the numbers are NaN or infinite. */
  readonly counts: { readonly [type in ValueType | 'nonfinite']?: number };
  /** Whether all its numbers are whole, and exact in 64 bits. */
  readonly whole: boolean;
  /** Whether two of its values differ. */
  readonly varies: boolean;
  /** One of its values, as text: shows whether the values of two files differ. */
  readonly sample: string;
}

/** The column that holds a param's or metric's values of one type. */
export interface ValueColumn {
  readonly source: ValueSource;
  readonly key: string;
  readonly type: ValueType;
  readonly name: string;
}

/**
 * What a file of compacted records says of itself, as JSON in the Parquet footer's key-value metadata under
 * {@link COVERAGE_KEY}: so one rename publishes rows and coverage together.
 */
export interface RunsCoverage {
  readonly version: 2;
  /** Rows of the file: final records, one a run_id. */
  readonly runs: number;
  /** How many bytes of each segment's beginning are in here or in the file of older runs, by the segment's name. */
  readonly segments: { readonly [segment: string]: number };
  /** Lines of theirs that were no records; absent where there were none. */
  readonly damaged?: number;
  /** The declaration whose cells the rows are; null: of all runs. */
  readonly declaration: string | null;
  readonly statuses: readonly StatusCount[];
  readonly occurrences: readonly Occurrence[];
  readonly columns: readonly ValueColumn[];
  /**
   * Derived metrics: the fingerprint of each derivation's code, and how many bytes of the files of derived lines are in here.
   * Absent where there were none.
   */
  readonly derived?: {
    readonly codes: { readonly [derivation: string]: string };
    readonly files: { readonly [name: string]: number };
  };
  /** The file with the runs that are not of the declaration; null where there are none. */
  readonly older: { readonly file: string; readonly statuses: readonly StatusCount[] } | null;
}

/** How many runs of one code and context ended so. */
export interface StatusCount {
  readonly code_fingerprint: string;
  readonly context_fingerprint: string;
  readonly status: RunStatus;
  readonly n: number;
}

/** A file of compacted records, held open: another that takes its name changes nothing for who reads this one. */
export interface RunsFile {
  /** Leads to the open file, whatever has become of its name. */
  readonly path: string;
  readonly coverage: RunsCoverage;
  close(): Promise<void>;
}

export const COVERAGE_KEY = 'metalab.coverage';

const PARQUET_MAGIC = 'PAR1';
/** The footer's length and the magic. */
const TAIL_BYTES = 8;
const SEAL_MAGIC = 'MLABCRC1';
/** The magic, the CRC-32 of all before the seal, and that of all after it. */
const SEAL_BYTES = SEAL_MAGIC.length + 8;
const CHUNK_BYTES = 1 << 20;

/**
 * Puts a checksum into a Parquet file that is being made, between its data and its footer: everything in a Parquet file
 * is found from its end by absolute offsets, so that readers never look there. Flushes the file.
 */
export async function sealRunsFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    const footer = await readFooter(handle, size);
    if (!footer) throw new Error(`${path} is no Parquet file`);
    const seal = Buffer.alloc(SEAL_BYTES);
    seal.write(SEAL_MAGIC, 'latin1');
    seal.writeUInt32LE(await checksum(handle, size - footer.length), SEAL_MAGIC.length);
    seal.writeUInt32LE(crc32(footer), SEAL_MAGIC.length + 4);
    const sealed = Buffer.concat([seal, footer]);
    await handle.write(sealed, 0, sealed.length, size - footer.length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

interface OpenOptions {
  /** Checks the footer only, and not the rows: 1,000,000 of them take 20 ms. */
  readonly coverageOnly?: boolean;
  /** Also where segments that they cover are gone or shorter since: that is no cache of what is there. */
  readonly evenStale?: boolean;
}

/**
 * Opens an experiment's compacted records.
 *
 * @returns `undefined` where there are none, or they are torn, corrupt or stale: all that counts is in the segments
 */
export async function openRunsFile(folder: string, options: OpenOptions = {}): Promise<RunsFile | undefined> {
  const file = await openSealed(runsFile(folder), options.coverageOnly ?? false);
  if (!file || options.evenStale) return file;
  if ((await findLost(folder, file.coverage.segments)).length === 0) return file;
  await file.close();
  return undefined;
}

/** A compaction publishes the file of older runs first, and removes the one before it last. */
const MAX_TRIES = 5;

/**
 * Opens an experiment's compacted records, and those of older runs where they are wanted.
 *
 * @param wanted whether older runs are wanted beside a file that covers this
 * @returns one file or two; none where there are none, or one of them is of no use
 */
export async function openRunsFiles(
  folder: string,
  wanted: (coverage: RunsCoverage) => boolean,
): Promise<readonly RunsFile[]> {
  for (let tries = 1; ; tries++) {
    const file = await openRunsFile(folder);
    if (!file) return [];
    const { older } = file.coverage;
    if (older === null || !wanted(file.coverage)) return [file];
    const second = await openSealed(olderRunsFile(folder, older.file), false);
    if (second) return [file, second];
    await file.close();
    if (tries === MAX_TRIES) return [];
  }
}

async function openSealed(path: string, coverageOnly: boolean): Promise<RunsFile | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(faultCode(error) ?? '')) return undefined;
    throw storeFault(error, path);
  });
  if (!handle) return undefined;
  try {
    const coverage = await readSealed(handle, coverageOnly);
    if (coverage) return { path: `/dev/fd/${handle.fd}`, coverage, close: () => handle.close() };
  } catch (error) {
    // What can't be read as what it should be is as good as not there; a fault of the disk is.
    if (faultCode(error) !== 'EIO' && faultCode(error) !== 'EISDIR') {
      await handle.close();
      throw storeFault(error, path);
    }
  }
  await handle.close();
  return undefined;
}

/** Reads what the compacted records cover, without checking the rows. */
export async function readCoverage(
  folder: string,
  options: Pick<OpenOptions, 'evenStale'> = {},
): Promise<RunsCoverage | undefined> {
  const file = await openRunsFile(folder, { ...options, coverageOnly: true });
  await file?.close();
  return file?.coverage;
}

async function readSealed(handle: FileHandle, footerOnly: boolean): Promise<RunsCoverage | undefined> {
  const { size } = await handle.stat();
  const footer = await readFooter(handle, size);
  const end = footer ? size - footer.length - SEAL_BYTES : -1;
  if (!footer || end < 0) return undefined;
  const seal = await readAt(handle, end, SEAL_BYTES);
  if (seal.toString('latin1', 0, SEAL_MAGIC.length) !== SEAL_MAGIC) return undefined;
  if (seal.readUInt32LE(SEAL_MAGIC.length + 4) !== crc32(footer)) return undefined;
  if (!footerOnly && seal.readUInt32LE(SEAL_MAGIC.length) !== (await checksum(handle, end))) return undefined;
  return findCoverage(footer);
}

/** @returns the footer with its tail; `undefined` where the file has none */
async function readFooter(handle: FileHandle, size: number): Promise<Buffer | undefined> {
  if (size < TAIL_BYTES) return undefined;
  const tail = await readAt(handle, size - TAIL_BYTES, TAIL_BYTES);
  if (tail.toString('latin1', 4) !== PARQUET_MAGIC) return undefined;
  const length = tail.readUInt32LE(0) + TAIL_BYTES;
  return length > size ? undefined : readAt(handle, size - length, length);
}

/**
 * Finds the coverage in a footer, which is in Thrift's compact protocol: a KeyValue's key and value are each the byte 0x18
 * (the next field, of binary type), a varint with the length, and the text. Nothing after it can look like the key.
 */
function findCoverage(footer: Buffer): RunsCoverage | undefined {
  const key = Buffer.concat([Buffer.from([0x18, COVERAGE_KEY.length]), Buffer.from(`${COVERAGE_KEY}\x18`)]);
  const found = footer.lastIndexOf(key);
  if (found === -1) return undefined;
  let at = found + key.length;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = footer[at++] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  const coverage = JSON.parse(footer.toString('utf8', at, at + length)) as RunsCoverage;
  // Of a later metalab, which may mean something else by it.
  return coverage.version === 2 ? coverage : undefined;
}

async function checksum(handle: FileHandle, end: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let sum = 0;
  for (let at = 0; at < end; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0) break;
    sum = crc32(buffer.subarray(0, bytesRead), sum);
    at += bytesRead;
  }
  return sum;
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await handle.read(buffer, 0, length, at);
  return buffer;
}
