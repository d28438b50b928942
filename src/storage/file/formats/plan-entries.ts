import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { StoreError } from '../../../definition/errors.js';
import { countPositions, type PositionRange } from '../../../definition/position-range.js';
import type { PlanManifest } from '../../manifest.js';
import { faultCode, storeFault } from '../faults.js';
import { planEntriesFile } from '../layout.js';
import { temporaryName } from '../owner.js';
import { unreadableFile } from '../submission-file.js';

/** `plan.bin` has one entry a position: the cell's index and the run's generation, both uint32 little-endian. */
const ENTRY_BYTES = 8;

/** Entries read and written at once: 64 KiB. */
const PIECE = 8192;

/** One entry of a plan: a cell and the generation it gets. */
export type Entry = readonly [cell: number, generation: number];

/** Which cell, and which generation of it, is at a position. */
export interface PlanSlice {
  cellAt(position: number): number;
  generationAt(position: number): number;
}

/** What is at the positions of a plan. A position's cell is higher than the one's before it. */
export interface PlanEntries {
  readonly positions: number;
  /** Positions from ≤ position < to. */
  slice(from: number, to: number): Promise<PlanSlice>;
  /** The cells of positions from ≤ position < to, in order, a piece at a time. */
  cells(from: number, to: number): AsyncIterable<Uint32Array>;
}

/** A plan of every cell: position p is cell p. */
export const allCells = (positions: number): PlanEntries => ({
  positions,
  slice: async () => ({ cellAt: (position) => position, generationAt: () => 0 }),
  async *cells(from, to) {
    for (let start = from; start < to; start += PIECE)
      yield Uint32Array.from({ length: Math.min(PIECE, to - start) }, (_, at) => start + at);
  },
});

/** A submission's entries, of which only what is asked for is read: a plan of a million never is in memory as a whole. */
export function readEntries(folder: string, plan: PlanManifest): PlanEntries {
  if (plan.kind === 'all') return allCells(plan.positions);
  const path = planEntriesFile(folder, plan);
  return {
    positions: plan.positions,
    async slice(from, to) {
      const bytes = await readBytes(path, from, to);
      return {
        cellAt: (position) => bytes.readUInt32LE((position - from) * ENTRY_BYTES),
        generationAt: (position) => bytes.readUInt32LE((position - from) * ENTRY_BYTES + 4),
      };
    },
    async *cells(from, to) {
      for (let start = from; start < to; start += PIECE) {
        const bytes = await readBytes(path, start, Math.min(start + PIECE, to));
        const cells = new Uint32Array(bytes.length / ENTRY_BYTES);
        for (let at = 0; at < cells.length; at++) cells[at] = bytes.readUInt32LE(at * ENTRY_BYTES);
        yield cells;
      }
    },
  };
}

/** The cell at one position. */
export const cellAt = async (entries: PlanEntries, position: number): Promise<number> =>
  (await entries.slice(position, position + 1)).cellAt(position);

/** The cells of some ranges of positions, in order: ascending, as positions and cells are. */
export async function cellsOf(entries: PlanEntries, ranges: readonly PositionRange[]): Promise<Uint32Array> {
  const cells = new Uint32Array(countPositions(ranges));
  let at = 0;
  for (const { from, to } of ranges)
    for await (const piece of entries.cells(from, to)) {
      cells.set(piece, at);
      at += piece.length;
    }
  return cells;
}

async function readBytes(path: string, from: number, to: number): Promise<Buffer> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw unreadableFile(path, error);
  });
  const bytes = Buffer.alloc((to - from) * ENTRY_BYTES);
  try {
    for (let filled = 0; filled < bytes.length; ) {
      const { bytesRead } = await handle.read(
        bytes,
        filled,
        bytes.length - filled,
        from * ENTRY_BYTES + filled,
      );
      if (bytesRead === 0) throw damaged(path, `it ends before position ${to}`);
      filled += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw storeFault(error, path);
  } finally {
    await handle.close();
  }
}

/**
 * Reads a plan's entries once, for whether they are those that were written: 8 MB, those of a million runs, take 20 ms.
 *
 * @throws StoreError where they are missing or damaged
 */
export async function verifyEntries(folder: string, plan: PlanManifest): Promise<void> {
  if (plan.kind === 'all') return;
  const path = planEntriesFile(folder, plan);
  const hash = createHash('sha256');
  let size = 0;
  let last = -1;
  try {
    for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const bytes = block as Buffer;
      hash.update(bytes);
      size += bytes.length;
      for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
        const cell = bytes.readUInt32LE(at);
        if (cell <= last || cell >= plan.total)
          throw damaged(
            path,
            `it names cell ${cell} after ${last}, of ${plan.total} cells in ascending order`,
          );
        last = cell;
      }
    }
  } catch (error) {
    throw unreadableFile(path, error);
  }
  const expected = plan.positions * ENTRY_BYTES;
  if (size !== expected)
    throw damaged(path, `it has ${size} bytes, not the ${expected} of ${plan.positions} runs`);
  // Plans of older versions have no hash.
  if (plan.entries_sha256 && hash.digest('hex') !== plan.entries_sha256)
    throw damaged(path, `its SHA-256 is not ${plan.entries_sha256}, as plan.json says`);
}

const damaged = (path: string, how: string) =>
  new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: `the plan is damaged: ${how}`,
    next: 'submit the experiment again: what is recorded is reused',
  });

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

/** A piece at a time: each is valid until the next. */
function* entryBytes(entries: Iterable<Entry>): Generator<Uint8Array, void> {
  const bytes = Buffer.alloc(PIECE * ENTRY_BYTES);
  let used = 0;
  for (const [cell, generation] of entries) {
    bytes.writeUInt32LE(cell, used);
    bytes.writeUInt32LE(generation, used + 4);
    used += ENTRY_BYTES;
    if (used < bytes.length) continue;
    yield bytes;
    used = 0;
  }
  if (used > 0) yield bytes.subarray(0, used);
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
