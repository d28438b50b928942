import { scanRecordHeads } from '../storage/file/scan.js';
import { STATUS_RANK } from '../storage/final-record.js';
import type { PlanEntries } from './entries.js';

/** What a submission has recorded of its plan. */
export interface Tally {
  readonly recorded: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Ranges of positions without a record, ascending; at most {@link MOST_RANGES}. */
  readonly missing: readonly { readonly from: number; readonly to: number }[];
}

/** What fits a payload: the rest is found by the next round. */
export const MOST_RANGES = 200;

const NONE = 255;

/**
 * Counts one submission's own records against its plan, one byte a cell. The submission's records name the cell by its
 * index, so nothing is hashed again.
 *
 * @param within only these positions; by default all
 */
export async function tallyPlan(
  folder: string,
  submission: string,
  entries: PlanEntries,
  within: { readonly from: number; readonly to: number } = { from: 0, to: entries.positions },
): Promise<Tally> {
  const ranks = new Uint8Array(entries.positions === 0 ? 0 : entries.cellAt(entries.positions - 1) + 1).fill(
    NONE,
  );
  await scanRecordHeads(folder, submission, ({ index, status }) => {
    if (index < ranks.length && STATUS_RANK[status] < ranks[index]!) ranks[index] = STATUS_RANK[status];
  });
  const counts = [0, 0, 0];
  const missing: { from: number; to: number }[] = [];
  let last: { from: number; to: number } | undefined;
  for (let position = within.from; position < within.to; position++) {
    const rank = ranks[entries.cellAt(position)]!;
    if (rank !== NONE) counts[rank]!++;
    else if (last?.to === position) last.to++;
    else if (missing.length < MOST_RANGES) {
      last = { from: position, to: position + 1 };
      missing.push(last);
    }
  }
  const [success, failed, cancelled] = counts as [number, number, number];
  return { recorded: success + failed + cancelled, success, failed, cancelled, missing };
}
