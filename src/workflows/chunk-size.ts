/** Past it, a slot starts no further run of its chunk: long runs are one activity each, short ones go by the 100,000. */
export const CHUNK_BUDGET_MS = 3_000;

/** A chunk shorter than this spends more in Temporal (about 8 ms a chunk on the dev server) than in its runs. */
const WORTHWHILE_MS = 60;

/**
 * How many positions the next chunk gets. Half an even share of what is left, so that the last chunks are small and no
 * slot waits long for another; but no fewer than are worth an activity, as long as every slot can have as many.
 *
 * @param remaining positions that no chunk holds
 * @param slots how many slots share them
 * @param meanRunMs mean duration of the runs so far; undefined before the first report
 */
export function chunkSize(remaining: number, slots: number, meanRunMs: number | undefined): number {
  const share = Math.ceil(remaining / (2 * slots));
  if (meanRunMs === undefined) return share;
  const worthwhile = Math.floor(WORTHWHILE_MS / Math.max(meanRunMs, 0.001));
  return Math.max(1, share, Math.min(worthwhile, Math.ceil(remaining / slots)));
}
