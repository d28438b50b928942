import { open, readFile } from 'node:fs/promises';
import { planEntriesFile } from '../storage/file/layout.js';
import { PLAN_ENTRY_BYTES, type PlanManifest } from '../storage/manifest.js';

/** Which cell, and which generation of it, is at a position of a plan. */
export interface PlanEntries {
  readonly positions: number;
  cellAt(position: number): number;
}

/** A plan of every cell: position p is cell p. */
export const allCells = (positions: number): PlanEntries => ({ positions, cellAt: (position) => position });

/** Pairs of cell and generation, ascending by cell. */
export class EntryList implements PlanEntries {
  readonly positions: number;
  readonly #pairs: Uint32Array;

  constructor(pairs: Uint32Array) {
    this.#pairs = pairs;
    this.positions = pairs.length / 2;
  }

  cellAt(position: number): number {
    return this.#pairs[position * 2]!;
  }

  /** @returns the plan's bytes: little-endian whatever the machine is */
  toBytes(): Uint8Array {
    const bytes = new DataView(new ArrayBuffer(this.positions * PLAN_ENTRY_BYTES));
    for (const [index, word] of this.#pairs.entries()) bytes.setUint32(index * 4, word, true);
    return new Uint8Array(bytes.buffer);
  }
}

export async function readEntries(folder: string, plan: PlanManifest): Promise<PlanEntries> {
  if (plan.kind === 'all') return allCells(plan.positions);
  const bytes = await readFile(planEntriesFile(folder, plan.submission));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new EntryList(
    Uint32Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getUint32(index * 4, true)),
  );
}

/** Writes the entries and flushes them: the plan's manifest, written after them, never names what is not there. */
export async function writeEntries(folder: string, submission: string, entries: EntryList): Promise<void> {
  const file = await open(planEntriesFile(folder, submission), 'w');
  try {
    await file.writeFile(entries.toBytes());
    await file.sync();
  } finally {
    await file.close();
  }
}
