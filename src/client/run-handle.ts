import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { Duration } from '../definition/duration.js';
import type { FailureLimit } from '../definition/failure-limit.js';
import type { SubmissionOutcome } from '../storage/manifest.js';
import type { SweepEvent } from './status/events.js';
import type { SweepStatus } from './status/sweep-status.js';

// Apart from what makes handles: the public types must not lead to Temporal's, which `skipLibCheck: false` can't compile.

/** What the client holds of a submission. It can be re-made anywhere from the experiment's id. */
export interface RunHandle {
  readonly experimentId: string;
  readonly submission: string;
  readonly workflowId: string;
  /** The store's uri. */
  readonly store: string;
  /** Whether it joined a submission of the same definition that was already running. */
  readonly joined: boolean;
  /** Where its runs are executed: of one that it joined, that one's, whatever was asked for. Without its services. */
  readonly environment: ResolvedEnvironment;
  status(): Promise<SweepStatus>;
  /** What happens, as it happens: read from the segments, nothing through Temporal. Ends with the submission. */
  events(): AsyncIterable<SweepEvent>;
  /**
   * Waits for the outcome. Works with no worker and after Temporal's retention: the outcome is in the store.
   *
   * @param options.timeout how long to wait at most
   * @param options.signal ends the waiting, not the runs
   * @throws MetalabError METALAB_TIMEOUT, METALAB_TERMINATED; InfrastructureError METALAB_INTERRUPTED where nothing works on it any more
   */
  result(options?: {
    readonly timeout?: Duration;
    readonly signal?: AbortSignal;
  }): Promise<SubmissionOutcome>;
  /**
   * Cancels this submission: starts no further run, and aborts those in progress through their AbortSignal. Resolves once
   * that is noted; `result()` then gives the outcome. Cancelled runs are done again by the next submit.
   *
   * @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED
   */
  cancel(options?: ControlOptions): Promise<void>;
  /**
   * Pauses the experiment: runs in progress end, none starts, until somebody resumes it. Restarts of everything keep it.
   *
   * @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED
   */
  pause(options?: ControlOptions): Promise<void>;
  /** @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED */
  resume(): Promise<void>;
  /**
   * Submits what the store's latest declaration says again, without its file, where it was last submitted to.
   *
   * @param options which runs; by default all that are no success
   * @throws MetalabError where a run is none of the declaration's
   */
  retry(options?: RetryOptions): Promise<RunHandle>;
}

export interface ControlOptions {
  /** Shown as the status's and the outcome's reason. */
  readonly reason?: string;
}

export interface RetryOptions {
  /** Only runs that failed: neither cancelled nor missing ones. */
  readonly failed?: boolean;
  /** Only these, whatever their status: run_ids, or beginnings of them. */
  readonly runs?: readonly string[];
  /** As for a submit. Default: the experiment's. */
  readonly maxFailures?: FailureLimit;
  /** Where they run, by name or resolved. Default: where the latest submission did, with the settings it had. */
  readonly environment?: string | ResolvedEnvironment;
}
