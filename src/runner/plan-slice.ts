import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { StoreError } from '../definition/errors.js';
import { planEntriesFile, planFile } from '../storage/file/layout.js';
import { missingFile } from '../storage/file/verify-content.js';
import { PLAN_ENTRY_BYTES, type PlanManifest } from '../storage/manifest.js';
import { hashFile } from './hash-file.js';
import { readSubmissionFile } from './read-file.js';

/** Which cell, and which generation of it, is at a position. */
export interface PlanSlice {
  cellAt(position: number): number;
  generationAt(position: number): number;
}

const IDENTITY: PlanSlice = { cellAt: (position) => position, generationAt: () => 0 };

/** A submission's plan, of which each chunk reads only its own slice. */
export class PlanReader {
  readonly #entries: string | undefined;

  /** @throws StoreError if the plan is missing or damaged */
  constructor(folder: string, submission: string) {
    const plan = parsePlan(planFile(folder, submission));
    if (plan.kind === 'all') return;
    this.#entries = planEntriesFile(folder, plan);
    verifyEntries(this.#entries, plan);
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

function parsePlan(path: string): PlanManifest {
  const text = readSubmissionFile(path);
  try {
    return JSON.parse(text) as PlanManifest;
  } catch {
    throw damaged(path, 'it is no JSON');
  }
}

/** Once a slot: 8 MB, the entries of a million runs, take 15 ms. */
function verifyEntries(path: string, plan: PlanManifest): void {
  if (!existsSync(path)) throw missingFile(path, undefined);
  const { content_hash, size_bytes } = hashFile(path);
  if (size_bytes !== plan.positions * PLAN_ENTRY_BYTES)
    throw damaged(path, `it has ${size_bytes} bytes, not ${plan.positions * PLAN_ENTRY_BYTES}`);
  // Plans of older versions have no hash.
  if (plan.entries_sha256 && plan.entries_sha256 !== content_hash)
    throw damaged(path, `its SHA-256 is not ${plan.entries_sha256}, as plan.json says`);
}

function readEntries(path: string, from: number, to: number): DataView {
  const bytes = new Uint8Array((to - from) * PLAN_ENTRY_BYTES);
  const fd = openSync(path, 'r');
  try {
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(fd, bytes, filled, bytes.length - filled, from * PLAN_ENTRY_BYTES + filled);
      if (read === 0) throw damaged(path, `it ends before position ${to}`);
      filled += read;
    }
  } finally {
    closeSync(fd);
  }
  return new DataView(bytes.buffer);
}

const damaged = (path: string, how: string) =>
  new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: `the plan is damaged: ${how}`,
    next: 'submit the experiment again: what is recorded is reused',
  });
