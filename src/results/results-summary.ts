import type { RunStatus } from '../definition/record.js';
import type { Grouped } from './grouped.js';

/** How an experiment's runs ended, and how long they took: milliseconds, of the successful ones. */
export interface ResultsSummary {
  readonly runs: number;
  readonly statuses: { readonly [status in RunStatus]: number };
  readonly duration_ms: {
    readonly mean: number | null;
    readonly median: number | null;
    readonly max: number | null;
  };
}

export async function summarise(runs: {
  readonly byStatus: Grouped;
  readonly together: Grouped;
}): Promise<ResultsSummary> {
  const statuses = { success: 0, failed: 0, cancelled: 0 };
  const { groups } = await runs.byStatus.stats([], []);
  for (const { keys, n, left_out } of groups) statuses[keys[0] as RunStatus] += n + left_out;
  const durations = await runs.together.stats(['duration_ms'], ['mean', 'median', 'max']);
  const [{ mean = null, median = null, max = null } = {}] = durations.groups[0]?.summaries ?? [];
  const total = statuses.success + statuses.failed + statuses.cancelled;
  return { runs: total, statuses, duration_ms: { mean, median, max } };
}
