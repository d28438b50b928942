import { open, readFile } from 'node:fs/promises';
import { planEntriesFile, planFile } from '../../../storage/file/layout.js';
import { missingFile } from '../../../storage/file/verify-content.js';
import { PLAN_ENTRY_BYTES, type PlanManifest } from '../../../storage/manifest.js';
import type { PositionRange } from '../../batch-executor.js';

/** The cells of some ranges of a plan's positions, in order: ascending, as positions and cells are. */
export async function readPlanCells(
  folder: string,
  submission: string,
  ranges: readonly PositionRange[],
): Promise<Uint32Array> {
  const path = planFile(folder, submission);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw missingFile(path, error);
  });
  const plan = JSON.parse(text) as PlanManifest;
  const cells = new Uint32Array(ranges.reduce((size, { from, to }) => size + to - from, 0));
  let at = 0;
  if (plan.kind === 'all') {
    for (const { from, to } of ranges)
      for (let position = from; position < to; position++) cells[at++] = position;
    return cells;
  }
  const entries = planEntriesFile(folder, plan);
  const handle = await open(entries, 'r').catch((error: unknown) => {
    throw missingFile(entries, error);
  });
  try {
    for (const { from, to } of ranges) {
      const bytes = Buffer.alloc((to - from) * PLAN_ENTRY_BYTES);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, from * PLAN_ENTRY_BYTES);
      if (bytesRead < bytes.length) throw missingFile(entries, undefined);
      for (let entry = 0; entry < bytes.length; entry += PLAN_ENTRY_BYTES)
        cells[at++] = bytes.readUInt32LE(entry);
    }
  } finally {
    await handle.close();
  }
  return cells;
}
