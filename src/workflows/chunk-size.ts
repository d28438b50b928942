/** Past it, a slot starts no further run of its chunk: long runs are one activity each, short ones go by the 100,000. */
export const CHUNK_BUDGET_MS = 3_000;

/**
 * A chunk of less spends much of its time in Temporal: about 15 ms a chunk on the dev server. Played on 100,000 runs of
 * 12 µs, 30 ms keeps two slots busy 0.85, 60 ms 0.86, 300 ms 0.89; a sorted grid that ends in long runs stays at 0.997.
 */
const WORTHWHILE_MS = 200;
/** A chunk of less spends most of its time there: the last slot that is free takes so much whatever is left for others. */
const TINY_MS = 10;

/**
 * How many positions the next chunk gets. Half an even share of what is left, so that the last chunks are small and no
 * slot waits long for another; but as many as are worth an activity, as long as every slot can have as many.
 *
 * @param remaining positions that no chunk holds
 * @param slots how many slots share them
 * @param free how many of those have no chunk, this one's counted
 * @param meanMs what a run took on average so far, with all that is around it; undefined before the first report
 */
export function chunkSize(
  remaining: number,
  slots: number,
  free: number,
  meanMs: number | undefined,
): number {
  const share = Math.ceil(remaining / (2 * slots));
  if (meanMs === undefined) return share;
  const worth = (ms: number) => Math.floor(ms / Math.max(meanMs, 0.001));
  return Math.max(
    1,
    share,
    Math.min(worth(WORTHWHILE_MS), Math.ceil(remaining / slots)),
    Math.min(worth(TINY_MS), Math.ceil(remaining / free)),
  );
}
