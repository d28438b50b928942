import type { ClusterJob } from './read-jobs.js';

/** How long before its end a job gets one that follows it: an hour, or this share of its time. */
const RENEW_BEFORE_MS = 3_600_000;
const RENEW_SHARE = 0.4;
/** sbatch(1): a signal may come a minute before the time that it was asked for. */
const MIN_RENEW_BEFORE_MS = 180_000;

/** When a job is to be submitted that follows one. Milliseconds since 1970; undefined: its end is not known. */
export function renewalOf({ since, until }: Pick<ClusterJob, 'since' | 'until'>): number | undefined {
  const [begin, end] = [Date.parse(since ?? ''), Date.parse(until ?? '')];
  if (Number.isNaN(begin) || Number.isNaN(end)) return undefined;
  return end - Math.max(MIN_RENEW_BEFORE_MS, Math.min(RENEW_BEFORE_MS, (end - begin) * RENEW_SHARE));
}
