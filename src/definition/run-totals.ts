import type { RunDigest } from './run-digest.js';
import type { RunningMeans } from './running-mean.js';

/** What many runs came to together. */
export interface RunTotals {
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Time spent in runs, milliseconds: for sizing further chunks, and for measuring utilisation. */
  readonly busy_ms: number;
  readonly means: RunningMeans;
  /** Missing if an older version wrote it. */
  readonly digest?: RunDigest;
}
