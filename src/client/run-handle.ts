import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { Duration } from '../definition/duration.js';
import type { FailureLimit } from '../definition/failure-limit.js';
import type { JsonObject } from '../definition/json.js';
import type { SubmissionResults } from '../results/open.js';
import type { SubmissionOutcome } from '../storage/manifest.js';
import type { SweepEvent } from './status/events.js';
import type { SweepStatus } from './status/sweep-status.js';
import type { StoreChoice } from './store-choice.js';

// Separate from the implementation: public types must not use Temporal's, which `skipLibCheck: false` can't compile.

/**
 * A client's handle of a submission. It can be recreated anywhere from the experiment's id. `Params` is what the
 * experiment's schema says.
 */
export interface RunHandle<Params = JsonObject> {
  readonly experimentId: string;
  readonly submission: string;
  readonly workflowId: string;
  /** The store's uri. */
  readonly store: string;
  /** Whether it joined a submission of the same definition that was already running. */
  readonly joined: boolean;
  /** Where its runs execute. If it joined a submission, that one's environment. Without services. */
  readonly environment: ResolvedEnvironment;
  /**
   * @param options.maxAge accept a status of at most this age that another call in this process got; use it to ask
   *   repeatedly. Default: a status read after this call
   */
  status(options?: { readonly maxAge?: Duration }): Promise<SweepStatus>;
  /** Events as they happen, read from the segments, not through Temporal. Ends with the submission. */
  events(): AsyncIterable<SweepEvent>;
  /**
   * Waits for the outcome. Works with no worker and after Temporal's retention: the outcome is in the store.
   *
   * @param options.timeout maximum time to wait
   * @param options.signal ends the waiting, not the runs
   * @throws MetalabError METALAB_TIMEOUT, METALAB_TERMINATED; InfrastructureError METALAB_INTERRUPTED without a workflow
   */
  outcome(options?: WaitOptions): Promise<SubmissionOutcome>;
  /** Waits as `outcome()` does. The results have the outcome, and read the store when they are asked for more. */
  result(options?: WaitOptions): Promise<SubmissionResults<Params>>;
  /**
   * Cancels this submission: starts no further run, and aborts those in progress by their AbortSignal. Resolves once
   * the workflow has accepted that; `outcome()` then gives how it ended. The next submit executes cancelled runs again.
   *
   * @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED
   */
  cancel(options?: ControlOptions): Promise<void>;
  /**
   * Pauses the experiment: runs in progress finish, none starts until it is resumed, even across restarts.
   *
   * @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED
   */
  pause(options?: ControlOptions): Promise<void>;
  /** @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED */
  resume(): Promise<void>;
  /**
   * Submits the store's latest declaration again, without its file, to the environment of the last submission.
   *
   * @param options which runs; by default all that did not succeed
   * @throws MetalabError if the declaration has no such run
   */
  retry(options?: RetryOptions): Promise<RunHandle<Params>>;
}

export interface WaitOptions {
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

export interface ControlOptions {
  /** Shown as the status's and the outcome's reason. */
  readonly reason?: string;
}

export interface RetryOptions {
  /** Only runs that failed: neither cancelled nor missing ones. */
  readonly failed?: boolean;
  /** Only these, whatever their status: run_ids, or prefixes of them. */
  readonly runs?: readonly string[];
  /** As for submit. Default: the experiment's. */
  readonly maxFailures?: FailureLimit;
  /** Where they execute, as for submit. Default: the latest submission's environment and settings. */
  readonly executor?: StoreChoice['executor'];
  /** As for submit. */
  readonly onEnqueue?: () => void;
}
