import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { faultCode, storeFault } from '../faults.js';

/** What a compacted Parquet file says of itself: which lines of which segments are in it. */
interface Coverage {
  readonly version: number;
}

/** A compacted Parquet file, held open: replacing it changes nothing for its readers. */
export interface SealedFile<C extends Coverage> {
  /** Leads to the open file, whatever has become of its name. */
  readonly path: string;
  readonly coverage: C;
  close(): Promise<void>;
}

/** The handles of open files. Node would close one that nothing refers to, but DuckDB reads the file by its descriptor. */
const opened = new Set<FileHandle>();

/** The key of the coverage, as JSON, in the Parquet footer's key-value metadata. */
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
export async function sealFile(path: string): Promise<void> {
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

interface SealedOptions {
  /** That of a later metalab may mean something else. */
  readonly version: number;
  /** Checks the footer only, and not the rows: 1,000,000 of them take 20 ms. */
  readonly coverageOnly?: boolean;
}

/** @returns undefined where there is none, or it is torn, corrupt or of another version */
export async function openSealed<C extends Coverage>(
  path: string,
  options: SealedOptions,
): Promise<SealedFile<C> | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(faultCode(error) ?? '')) return undefined;
    throw storeFault(error, path);
  });
  if (!handle) return undefined;
  try {
    const coverage = await readSealed<C>(handle, options);
    if (coverage) {
      opened.add(handle);
      const close = () => {
        opened.delete(handle);
        return handle.close();
      };
      return { path: `/dev/fd/${handle.fd}`, coverage, close };
    }
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

async function readSealed<C extends Coverage>(
  handle: FileHandle,
  { version, coverageOnly = false }: SealedOptions,
): Promise<C | undefined> {
  const { size } = await handle.stat();
  const footer = await readFooter(handle, size);
  const end = footer ? size - footer.length - SEAL_BYTES : -1;
  if (!footer || end < 0) return undefined;
  const seal = await readAt(handle, end, SEAL_BYTES);
  if (seal.toString('latin1', 0, SEAL_MAGIC.length) !== SEAL_MAGIC) return undefined;
  if (seal.readUInt32LE(SEAL_MAGIC.length + 4) !== crc32(footer)) return undefined;
  if (!coverageOnly && seal.readUInt32LE(SEAL_MAGIC.length) !== (await checksum(handle, end)))
    return undefined;
  const coverage = findCoverage(footer) as C | undefined;
  return coverage?.version === version ? coverage : undefined;
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
function findCoverage(footer: Buffer): Coverage | undefined {
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
  return JSON.parse(footer.toString('utf8', at, at + length)) as Coverage;
}

/** While one part is summed, the next is read. */
async function checksum(handle: FileHandle, end: number): Promise<number> {
  const buffers = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  const read = (index: number) => {
    const at = index * CHUNK_BYTES;
    const buffer = buffers[index % 2]!;
    return at < end ? handle.read(buffer, 0, Math.min(CHUNK_BYTES, end - at), at) : undefined;
  };
  let sum = 0;
  let next = read(0);
  for (let index = 0; next; index++) {
    const { buffer, bytesRead } = await next;
    next = bytesRead === 0 ? undefined : read(index + 1);
    sum = crc32(buffer.subarray(0, bytesRead), sum);
  }
  return sum;
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await handle.read(buffer, 0, length, at);
  return buffer;
}
