import type { PlanResult } from '../contract/activities.js';
import type { PauseState, SubmissionRequest } from '../contract/workflow.js';
import type { PositionRange } from '../definition/position-range.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';
import type { BatchLimits } from '../execution/batch-executor.js';

/** A submission in progress, as continue-as-new carries it over. */
export interface SubmissionSnapshot {
  readonly request: SubmissionRequest;
  readonly started_at: string;
  readonly plan: PlanResult | null;
  readonly ranges: readonly PositionRange[];
  readonly counts: {
    readonly success: number;
    readonly failed: number;
    readonly cancelled: number;
    /** Total time of their chunks, summed over slots. Milliseconds. */
    readonly elapsed_ms: number;
  };
  readonly means: RunningMeans;
  readonly workers: { readonly [worker: string]: number };
  readonly recorded: number;
  /** `settlesWithoutProgress`, under its name in histories. */
  readonly barrenRounds: number;
  /** Absent if an earlier build wrote it. */
  readonly digest?: RunDigest;
  readonly unwritable?: string | null;
  readonly cancelled?: string | null;
  /** `batchLimits`, under its name in histories. */
  readonly dealing?: BatchLimits | null;
}

/** What continue-as-new carries over. Earlier builds did not write the last two fields. */
export interface Carried {
  readonly current: SubmissionSnapshot | null;
  readonly queue: readonly SubmissionRequest[];
  /** Of the experiment. Earlier builds wrote the reason alone. */
  readonly paused?: PauseState | string | null;
  /** Submissions that were cancelled in the queue and have no outcome yet. */
  readonly dropped?: readonly Dropped[];
}

export interface Dropped {
  readonly request: SubmissionRequest;
  readonly reason: string;
}
