import { addPosition, type GrowingRanges, type PositionRange } from '../definition/position-range.js';
import { cellAt, type PlanEntries } from '../storage/file/formats/plan-entries.js';
import { listSegmentParts } from '../storage/file/formats/records.js';
import { FinalStatuses } from './final-statuses.js';
import type { SharedPlan } from './steps.js';
import { makePlanners } from './threads.js';

/** What a submission has recorded of its plan. */
export interface Tally {
  readonly recorded: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Ranges of positions without a record, ascending; at most {@link MAX_RANGES}. */
  readonly missing: readonly PositionRange[];
}

/** As many as fit a payload. The next settling finds the rest. */
export const MAX_RANGES = 200;

/**
 * Counts one submission's own records against its plan, in four bytes per cell. These records contain the cell's index,
 * so nothing is hashed again.
 *
 * @param within only these positions; by default all
 * @param threads how many threads scan; 0: this one. By default, as many as save time
 */
export async function tallyPlan(
  folder: string,
  submission: string,
  entries: PlanEntries,
  within: PositionRange = { from: 0, to: entries.positions },
  threads?: number,
): Promise<Tally> {
  const { first, statuses } = await scanOwn(folder, submission, entries, within, threads);
  const counts = { success: 0, failed: 0, cancelled: 0 };
  const missing: GrowingRanges = [];
  let position = within.from;
  for await (const cells of entries.cells(within.from, within.to)) {
    for (const cell of cells) {
      if (!statuses.isNone(cell - first)) counts[statuses.status(cell - first)]++;
      else addPosition(missing, position, MAX_RANGES);
      position++;
    }
  }
  const { success, failed, cancelled } = counts;
  return { recorded: success + failed + cancelled, ...counts, missing };
}

async function scanOwn(
  folder: string,
  submission: string,
  entries: PlanEntries,
  { from, to }: PositionRange,
  threads: number | undefined,
): Promise<{ readonly first: number; readonly statuses: FinalStatuses }> {
  const first = from < to ? await cellAt(entries, from) : 0;
  const cells = from < to ? (await cellAt(entries, to - 1)) + 1 - first : 0;
  const { parts, bytes } = await listSegmentParts(folder, submission);
  const shared: SharedPlan = {
    declaration: undefined,
    cells,
    first,
    parts,
    table: new SharedArrayBuffer(0),
    statuses: new SharedArrayBuffer(FinalStatuses.bytes(cells)),
    stale: new SharedArrayBuffer(0),
    foreign: new SharedArrayBuffer(1),
  };
  const planners = makePlanners(shared, bytes, threads);
  try {
    await planners.do('scan-own');
  } finally {
    await planners.close();
  }
  return { first, statuses: new FinalStatuses(shared.statuses) };
}
