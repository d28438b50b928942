import type { Resources } from '../config/resolved-config.js';
import type { PositionRange } from '../definition/position-range.js';
import type { RunRecord } from '../definition/record.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunTotals } from '../definition/run-totals.js';
import type { RunningMeans } from '../definition/running-mean.js';
import type { Executor } from './executor.js';

/** Positions of a submission's plan that are executed together, as one array. */
export interface BatchRequest {
  /** The experiment's folder in the submission's store. */
  readonly folder: string;
  readonly experiment_id: string;
  readonly submission: string;
  /** SHA-256 of the declaration. */
  readonly declaration: string;
  /** Identifies the array: every request with the same token is for the same array. 16 hex digits. */
  readonly token: string;
  /** Ascending, without overlap; at most 200. */
  readonly ranges: readonly PositionRange[];
  /** Mean duration of the runs so far; null: not known yet. */
  readonly mean_ms: number | null;
  /** Concurrent runs in a task; null: as many as the task has CPUs. */
  readonly slots: number | null;
  /** Per run; null: no limit. */
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** The experiment's own resources, which override the environment's. */
  readonly resources?: Resources;
  /** Whether artifacts are copied into the store too. */
  readonly artifacts?: boolean;
}

/**
 * How many batches of a sweep may be in progress, and how large each may be. Workflow histories contain these names.
 */
export interface BatchLimits {
  /** Batches in progress. */
  readonly at_once: number;
  /** The most positions in a batch. */
  readonly most: number;
}

export interface BatchProgress {
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly means: RunningMeans;
  readonly digest?: RunDigest;
  /** Numbers of pending and running tasks. */
  readonly pending: number;
  readonly running: number;
  /** The array's job id. */
  readonly job: string | null;
  /** Nodes that the array does not use, since they failed before. */
  readonly excluded: readonly string[];
  /** The time limit of its jobs, if it is lower than requested. Seconds. */
  readonly time_cut?: { readonly asked_s: number; readonly limit_s: number };
  /** Why there is no progress: the scheduler's reason, an expired login, or a gateway that can't be reached. */
  readonly waits: string | null;
  /** Whether a person has to act: the array waits neither for its turn nor for a connection that will come back. */
  readonly stuck: boolean;
  /** Runs in progress, at most 20. */
  readonly runs: readonly {
    readonly position: number;
    readonly started_at: string;
    readonly progress: number | null;
  }[];
}

/** The progress of a batch that has not begun. */
export const NO_PROGRESS = {
  success: 0,
  failed: 0,
  cancelled: 0,
  means: {},
  pending: 0,
  running: 0,
  job: null,
  excluded: [],
  runs: [],
};

/** The result of an array. The counts are of records that are in the store. */
export interface BatchReport extends RunTotals {
  /** Positions that were not done, ascending. At most 200 ranges; planning again finds the rest. */
  readonly left: readonly PositionRange[];
  /** Limits for the next batches. */
  readonly dealing: BatchLimits;
}

/** How a call is asked to stop, as in `Executor`: `yield` if the worker ends, `cancel` if the sweep is cancelled. */
export interface BatchSignal {
  onStop(listener: (how: 'yield' | 'cancel') => void): () => void;
}

export interface BatchOptions {
  readonly signal: BatchSignal;
  readonly onProgress: (progress: BatchProgress) => void;
  /** Called at most every few seconds. */
  readonly isPaused: () => Promise<boolean>;
}

/** Stops and reports the wait for a cluster that can't be reached. */
export interface AskOptions {
  readonly signal?: BatchSignal;
  readonly onWaits?: (waits: string | null, stuck: boolean) => void;
}

/** An experiment, and its folder in the store. */
export interface ExperimentPlace {
  readonly folder: string;
  readonly experiment_id: string;
}

/** What to fetch before planning, in addition to the records that the store lacks. */
export interface CollectRequest extends ExperimentPlace {
  /** Selects the records whose artifacts are fetched too, if the cluster has them. Default: none. */
  readonly artifactsOf?: (record: RunRecord) => boolean;
}

/** A submission, and its experiment. */
export interface SubmissionPlace extends ExperimentPlace {
  readonly submission: string;
}

/** What may still be running on a cluster that could not be reached. */
export interface BatchRemains {
  /** Job ids, as far as they are known. */
  readonly jobs: readonly string[];
  readonly why: string;
}

/**
 * Runs whole batches, on a cluster with a scheduler of its own. Every method waits while the cluster can't be reached.
 * It rejects with {@link ExecutionFault}: with code `CLOSED` if it was asked to yield, so that the next call with the
 * same token continues the same array; with another code if the cluster itself failed.
 */
export interface BatchExecutor {
  /** Called before planning. Fetches what the cluster has recorded of the experiment and the store lacks. */
  collect(order: CollectRequest, options?: AskOptions): Promise<void>;
  /** How a submission's positions are divided into batches. */
  dealing(
    order: Pick<BatchRequest, 'folder' | 'submission' | 'slots' | 'resources'>,
    options?: AskOptions,
  ): Promise<BatchLimits>;
  /** Executes positions as one array. A failing run never rejects. Safe to repeat with the same token. */
  execute(order: BatchRequest, options: BatchOptions): Promise<BatchReport>;
  /**
   * Called before a submission's outcome is written, and for submissions whose outcome nobody wrote. Ends what is left
   * of all its batches, fetches their records, and removes files that only runs in progress need. Costs nothing if
   * nothing is left.
   *
   * @param options `within_ms`: how long to keep trying a cluster that does not answer; default: no limit
   * @returns what may still be running there, which the next call with the same submission ends; null: nothing
   */
  end(
    place: SubmissionPlace,
    options?: AskOptions & { readonly within_ms?: number },
  ): Promise<BatchRemains | null>;
  /** Called when a submission has ended: stops watching it. */
  release(submission: string): Promise<void>;
  close(): Promise<void>;
}

export const isBatchExecutor = (executor: Executor | BatchExecutor): executor is BatchExecutor =>
  'dealing' in executor;
