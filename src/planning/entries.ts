import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { StoreError } from '../definition/errors.js';
import { faultCode, storeFault } from '../storage/file/faults.js';
import { planEntriesFile } from '../storage/file/layout.js';
import { temporaryName } from '../storage/file/owner.js';
import { missingFile } from '../storage/file/verify-content.js';
import { PLAN_ENTRY_BYTES, type PlanManifest } from '../storage/manifest.js';

/** Which cell is at a position of a plan. A position's cell is higher than the one's before it. */
export interface PlanEntries {
  readonly positions: number;
  /** The cells of positions from ≤ position < to, in order, a piece at a time: a piece is valid until the next. */
  cells(from: number, to: number): AsyncIterable<Uint32Array>;
}

/** Read and written at once: 64 KiB. */
const PIECE = 8192;

/** A plan of every cell: position p is cell p. */
export const allCells = (positions: number): PlanEntries => ({
  positions,
  async *cells(from, to) {
    for (let start = from; start < to; start += PIECE)
      yield Uint32Array.from({ length: Math.min(PIECE, to - start) }, (_, at) => start + at);
  },
});

/** A submission's entries, of which only what is asked for is read: a plan of a million never is in memory as a whole. */
export function readEntries(folder: string, plan: PlanManifest): PlanEntries {
  if (plan.kind === 'all') return allCells(plan.positions);
  const path = planEntriesFile(folder, plan);
  return { positions: plan.positions, cells: (from, to) => readCells(path, from, to) };
}

/** The cell at one position. */
export async function cellAt(entries: PlanEntries, position: number): Promise<number> {
  for await (const [cell] of entries.cells(position, position + 1)) if (cell !== undefined) return cell;
  throw new RangeError(`position ${position} of ${entries.positions}`);
}

async function* readCells(path: string, from: number, to: number): AsyncGenerator<Uint32Array, void> {
  if (from >= to) return;
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw storeFault(error, path);
  });
  const bytes = Buffer.alloc(PIECE * PLAN_ENTRY_BYTES);
  const cells = new Uint32Array(PIECE);
  try {
    for (let start = from; start < to; start += PIECE) {
      const count = Math.min(PIECE, to - start);
      let filled = 0;
      while (filled < count * PLAN_ENTRY_BYTES) {
        const rest = count * PLAN_ENTRY_BYTES - filled;
        const { bytesRead } = await handle.read(bytes, filled, rest, start * PLAN_ENTRY_BYTES + filled);
        if (bytesRead === 0) throw new Error(`${path} ends before position ${to}: the plan is incomplete`);
        filled += bytesRead;
      }
      for (let at = 0; at < count; at++) cells[at] = bytes.readUInt32LE(at * PLAN_ENTRY_BYTES);
      yield cells.subarray(0, count);
    }
  } finally {
    await handle.close();
  }
}

/** One entry of a plan: a cell and the generation it gets. */
export type Entry = readonly [cell: number, generation: number];

/** The bytes of `plan.bin`, a piece at a time: each is valid until the next. Little-endian whatever the machine is. */
export function* entryBytes(entries: Iterable<Entry>): Generator<Uint8Array, void> {
  const bytes = Buffer.alloc(PIECE * PLAN_ENTRY_BYTES);
  let used = 0;
  for (const [cell, generation] of entries) {
    bytes.writeUInt32LE(cell, used);
    bytes.writeUInt32LE(generation, used + 4);
    used += PLAN_ENTRY_BYTES;
    if (used < bytes.length) continue;
    yield bytes;
    used = 0;
  }
  if (used > 0) yield bytes.subarray(0, used);
}

/**
 * Reads a plan's entries once, for whether they are those that were written.
 *
 * @throws StoreError where they are missing or damaged
 */
export async function verifyEntries(folder: string, plan: PlanManifest): Promise<void> {
  if (plan.kind === 'all') return;
  const path = planEntriesFile(folder, plan);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const piece of createReadStream(path)) {
      hash.update(piece as Buffer);
      size += (piece as Buffer).length;
    }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? missingFile(path, error)
      : storeFault(error, path);
  }
  const { positions, entries_sha256 } = plan;
  const altered = entries_sha256 !== undefined && hash.digest('hex') !== entries_sha256;
  if (!altered && size === positions * PLAN_ENTRY_BYTES) return;
  throw new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: `the plan is damaged: ${size} bytes that are not those of its ${positions} runs`,
    expected: `${positions * PLAN_ENTRY_BYTES} bytes${entries_sha256 ? `, SHA-256 ${entries_sha256}` : ''}`,
    next: 'submit the experiment again: what is recorded is reused',
  });
}

/** Entries in a file of their own, which no plan names yet. */
export interface WrittenEntries {
  readonly sha256: string;
  /** The file's name in the submission's folder. */
  readonly name: string;
  /** Removes the file: the plan that stands names another. */
  discard(): Promise<void>;
}

/**
 * Writes the entries and flushes them: the plan's manifest, written after them, never names what is not there. A file
 * that is there stays as it is, since the manifest of a planner that was faster names it.
 */
export async function writeEntries(
  folder: string,
  submission: string,
  entries: Iterable<Entry>,
): Promise<WrittenEntries> {
  const hash = createHash('sha256');
  const { path, file } = await createEntriesFile(folder, submission);
  try {
    for (const bytes of entryBytes(entries)) {
      hash.update(bytes);
      await file.writeFile(bytes);
    }
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), name: basename(path), discard: () => rm(path, { force: true }) };
}

async function createEntriesFile(folder: string, submission: string) {
  const usual = planEntriesFile(folder, { submission });
  try {
    return { path: usual, file: await open(usual, 'wx') };
  } catch (error) {
    if (faultCode(error) !== 'EEXIST') throw error;
    const entries_file = `plan-${temporaryName()}.bin`;
    const path = planEntriesFile(folder, { submission, entries_file });
    return { path, file: await open(path, 'wx') };
  }
}
