import type { Resources } from '../config/resolved-config.js';
import type { RunRecord } from '../definition/record.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';
import type { Executor } from './executor.js';

/** Positions of a plan, from ≤ position < to. */
export interface PositionRange {
  readonly from: number;
  readonly to: number;
}

/** Positions of a submission's plan, to be executed together: one array. */
export interface BatchRequest {
  /** The experiment's folder in the submission's store. */
  readonly folder: string;
  readonly experiment_id: string;
  readonly submission: string;
  /** SHA-256 of the declaration. */
  readonly declaration: string;
  /** What makes it the same array, however often it is asked for: 16 hex digits. */
  readonly token: string;
  /** Ascending, without overlap; at most 200. */
  readonly ranges: readonly PositionRange[];
  /** What a run took on average so far; null: nothing is known. */
  readonly mean_ms: number | null;
  /** Runs at once in a task; null: as many as a task has cpus. */
  readonly slots: number | null;
  /** Per run; null: no limit. */
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** What the experiment asks for, over what the environment says. */
  readonly resources?: Resources;
  /** Whether artifacts are brought into the store too. */
  readonly artifacts?: boolean;
}

/** How many batches a sweep may have, and how large each may be. Histories of workflows know its names. */
export interface BatchLimits {
  /** Batches in progress. */
  readonly at_once: number;
  /** Positions that a batch takes at most. */
  readonly most: number;
}

export interface BatchProgress {
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly means: RunningMeans;
  readonly digest?: RunDigest;
  /** Tasks that wait, and that run. */
  readonly pending: number;
  readonly running: number;
  /** The array's job id. */
  readonly job: string | null;
  /** Nodes that it does not use, since they failed before. */
  readonly excluded: readonly string[];
  /** The time limit of its jobs, where that is less than was asked for: seconds. */
  readonly time_cut?: { readonly asked_s: number; readonly limit_s: number };
  /** Why nothing moves: the scheduler's reason, a login that expired, a gateway that can't be reached. */
  readonly waits: string | null;
  /** It waits for somebody to do something: neither for its turn nor for a connection that comes back. */
  readonly stuck: boolean;
  /** Of the runs in progress, at most 20. */
  readonly runs: readonly {
    readonly position: number;
    readonly started_at: string;
    readonly progress: number | null;
  }[];
}

/** What an array came to. Counts are of records that are in the store. */
export interface BatchReport {
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Time spent in runs, milliseconds. */
  readonly busy_ms: number;
  readonly means: RunningMeans;
  readonly digest?: RunDigest;
  /** What was not done, ascending: at most 200 ranges, the rest is found by planning again. */
  readonly left: readonly PositionRange[];
  /** For what follows, now that more is known. */
  readonly dealing: BatchLimits;
}

/** How a call is told to stop, as in `Executor`: `yield`, the worker ends; `cancel`, the sweep does. */
export interface BatchSignal {
  onStop(listener: (how: 'yield' | 'cancel') => void): () => void;
}

export interface BatchOptions {
  readonly signal: BatchSignal;
  readonly onProgress: (progress: BatchProgress) => void;
  /** Durations are known, or will not be soon: the rest may be dealt while this array still runs. */
  readonly onDealing: (dealing: BatchLimits) => void;
  /** Asked at most every few seconds. */
  readonly isPaused: () => Promise<boolean>;
}

/** How the waiting for a place that can't be asked is stopped, and told. */
export interface AskOptions {
  readonly signal?: BatchSignal;
  readonly onWaits?: (waits: string | null, stuck: boolean) => void;
}

/** Which experiment, and its folder in the store. */
export interface ExperimentPlace {
  readonly folder: string;
  readonly experiment_id: string;
}

/** What is brought before planning, beside the records that the store has not. */
export interface CollectRequest extends ExperimentPlace {
  /** Artifacts of these records, too, where the place has them. Default: of none. */
  readonly artifactsOf?: (record: RunRecord) => boolean;
}

/** Which submission, of which experiment. */
export interface SubmissionPlace extends ExperimentPlace {
  readonly submission: string;
}

/** What may go on at a place that could not be asked. */
export interface BatchRemains {
  /** Ids of jobs, as far as they are known. */
  readonly jobs: readonly string[];
  readonly why: string;
}

/**
 * Where whole batches run: on a cluster with a scheduler of its own. Every method waits while the cluster can't be
 * asked, and rejects with {@link ExecutionFault}: code `CLOSED` where it was told to yield, so that the next call with
 * the same token goes on with the same array; another where the place itself failed.
 */
export interface BatchExecutor {
  /** Before planning: fetches what the cluster has recorded of the experiment and the store has not. */
  collect(order: CollectRequest, options?: AskOptions): Promise<void>;
  dealing(
    positions: number,
    order: Pick<BatchRequest, 'folder' | 'submission' | 'slots' | 'mean_ms' | 'resources'>,
    options?: AskOptions,
  ): Promise<BatchLimits>;
  /** Executes positions as one array. A failing run never rejects. Safe to repeat with the same token. */
  execute(order: BatchRequest, options: BatchOptions): Promise<BatchReport>;
  /**
   * Before a submission's outcome is written, and where nobody was there to do that: ends what is left of all its batches,
   * brings what they recorded, and removes what is only for runs in progress. Costs nothing where nothing was left before.
   *
   * @param options `within_ms`: for so long a place that does not answer is asked; by default as long as it takes
   * @returns what may go on there, and the next call with the same submission ends; null: nothing
   */
  end(
    place: SubmissionPlace,
    options?: AskOptions & { readonly within_ms?: number },
  ): Promise<BatchRemains | null>;
  /** A submission has ended: nothing of it is watched any more. */
  release(submission: string): Promise<void>;
  close(): Promise<void>;
}

export const isBatchExecutor = (executor: Executor | BatchExecutor): executor is BatchExecutor =>
  'dealing' in executor;
