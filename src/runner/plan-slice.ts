import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { planEntriesFile, planFile } from '../storage/file/layout.js';
import { PLAN_ENTRY_BYTES, type PlanManifest } from '../storage/manifest.js';

/** Which cell, and which generation of it, is at a position. */
export interface PlanSlice {
  cellAt(position: number): number;
  generationAt(position: number): number;
}

const IDENTITY: PlanSlice = { cellAt: (position) => position, generationAt: () => 0 };

/** A submission's plan, of which each chunk reads only its own slice. */
export class PlanReader {
  readonly #entries: string | undefined;

  constructor(folder: string, submission: string) {
    const plan = JSON.parse(readFileSync(planFile(folder, submission), 'utf8')) as PlanManifest;
    this.#entries = plan.kind === 'list' ? planEntriesFile(folder, submission) : undefined;
  }

  /** Positions from ≤ position < to. Throws where the plan is shorter. */
  slice(from: number, to: number): PlanSlice {
    if (this.#entries === undefined) return IDENTITY;
    const view = readEntries(this.#entries, from, to);
    return {
      cellAt: (position) => view.getUint32((position - from) * PLAN_ENTRY_BYTES, true),
      generationAt: (position) => view.getUint32((position - from) * PLAN_ENTRY_BYTES + 4, true),
    };
  }
}

function readEntries(file: string, from: number, to: number): DataView {
  const bytes = new Uint8Array((to - from) * PLAN_ENTRY_BYTES);
  const fd = openSync(file, 'r');
  try {
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(fd, bytes, filled, bytes.length - filled, from * PLAN_ENTRY_BYTES + filled);
      if (read === 0) throw new Error(`${file} ends before position ${to}: the plan is incomplete`);
      filled += read;
    }
  } finally {
    closeSync(fd);
  }
  return new DataView(bytes.buffer);
}
