/**
 * After this time a slot starts no further run of its chunk: each long run is an activity of its own, short ones come
 * in chunks of 100,000.
 */
export const CHUNK_BUDGET_MS = 3_000;

/**
 * Shorter chunks spend much of their time in Temporal: about 15 ms per chunk on the dev server. Simulated with 100,000
 * runs of 12 µs, a limit of 30 ms keeps two slots busy 0.85, 60 ms 0.86, 300 ms 0.89; a sorted grid that ends in long
 * runs stays at 0.997.
 */
const WORTHWHILE_MS = 200;
/**
 * Shorter chunks spend most of their time in Temporal: the last free slot takes at least this much, however little is
 * left for others.
 */
const TINY_MS = 10;

/**
 * How many positions the next chunk gets: half an even share of what is left, so that the last chunks are small and no
 * slot waits long for another; but enough to be worth an activity, if there is that much for every slot.
 *
 * @param remaining positions that no chunk holds
 * @param slots how many slots share them
 * @param free how many of the slots have no chunk, including this chunk's
 * @param meanMs mean duration of a run so far, with all overhead; undefined before the first report
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
