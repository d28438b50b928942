import type { DoneRuns } from '../definition/failure-limit.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';
import type { BatchLimits } from '../execution/batch-executor.js';
import type { SubmissionOptions } from '../storage/manifest.js';

/**
 * What clients and workers of the experiment workflow agree on. Names and plain types only: the client loads no
 * workflow code, the workflow no client code.
 */

/**
 * Task queues. Workflows, planning and settling are on the one that carries the fingerprint of the key (`RequestKey`), so
 * that workers of other engines and users take none of its tasks. Chunks are polled by as many pollers as a worker has free
 * slots.
 */
export const slotQueueOf = (taskQueue: string) => `${taskQueue}-slots`;
/** Batches, which a scheduler elsewhere executes: many at once, since looking after one takes next to nothing. */
export const batchQueueOf = (taskQueue: string) => `${taskQueue}-batches`;
/** Of versions that did not sign requests: nobody polls it any more. */
export const UNSIGNED_QUEUE = 'metalab';

export const EXPERIMENT_WORKFLOW = 'experiment';
export const ENQUEUE_UPDATE = 'enqueue';
export const CANCEL_UPDATE = 'cancel';
export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export const WORKER_SIGNAL = 'worker';
export const CHUNK_SIGNAL = 'chunk';
/** The type of the failure by which a validator refuses an update; its message is the reason. */
export const REFUSED = 'Refused';
/** The reason where a cancelled workflow is about to end: the next one will take it. */
export const CLOSING = 'its workflow is being cancelled';
export const STATUS_QUERY = 'status';

/** One owner per experiment and store; `store.json`'s id, not its path, so that mounts and links don't matter. */
export const workflowIdOf = (storeId: string, experimentId: string) => `metalab/${storeId}/${experimentId}`;

/** Search attributes of experiment workflows. Their types: `src/engine/search-attributes.ts`. */
export const SEARCH_ATTRIBUTES = {
  experiment: 'MetalabExperiment',
  status: 'MetalabStatus',
  total: 'MetalabTotal',
  done: 'MetalabDone',
  failed: 'MetalabFailed',
} as const;

/** Made with the key of the engine: see `SigningKey`. Missing where whoever asks has none, or is of an older version. */
export interface Signed {
  readonly signature?: string;
}

/** A submission as the workflow knows it: refs only. All else is in the store. */
export interface SubmissionRequest extends Signed {
  readonly submission: string;
  /** SHA-256 of the declaration: two submissions of the same one join. */
  readonly declaration: string;
  readonly options: SubmissionOptions;
}

/** What the workflow is started with. */
export interface ExperimentInput {
  readonly store: string;
  readonly experiment_id: string;
  /** Whether the server knows metalab's search attributes. */
  readonly search_attributes: boolean;
  /** Continue-as-new after so many events; absent: some thousands. Part of the input, so that histories replay. */
  readonly most_events?: number;
}

export interface EnqueueReply {
  /** The submission that will do it: the caller's own, or the one that it joined. */
  readonly submission: string;
  readonly joined: boolean;
  /** How many submissions are done before it. */
  readonly ahead: number;
}

export interface CancelRequest extends Signed {
  /** One submission; null: the one in progress and all that wait behind it. */
  readonly submission: string | null;
  /** Recorded as the outcome's reason. */
  readonly reason: string;
}

export interface PauseRequest extends Signed {
  /** Shown where the status is; empty where none was given. */
  readonly reason: string;
  /** Who asks, as `user@host`. Absent from older clients. */
  readonly by?: string;
}

export interface PauseState {
  /** Empty where none was given. */
  readonly reason: string;
  /** Who paused it, as `user@host`; null where an older client did. */
  readonly by: string | null;
  /** ISO 8601, by the server's clock; null where an older build noted the pause. */
  readonly at: string | null;
}

/** Older versions sent null. */
export type ResumeRequest = Signed | null;

export type ControlRequest = CancelRequest | PauseRequest | ResumeRequest;

/** What the signature of a submission is of: all by which workers act. */
export const submissionDocument = (
  workflowId: string,
  place: { readonly store: string; readonly experiment_id: string },
  { submission, declaration, options }: SubmissionRequest,
) => ({
  purpose: 'submission',
  workflow: workflowId,
  store: place.store,
  experiment_id: place.experiment_id,
  submission,
  declaration,
  options,
});

/** What the signature of a control is of. */
export const controlDocument = (workflowId: string, update: string, request: ControlRequest) => {
  const { signature: _, ...asked }: Signed = { ...request };
  return { purpose: update, workflow: workflowId, request: asked };
};

/** A worker tells of itself when it gets its first chunk of a submission: its slots are to have chunks from then on. */
export interface WorkerNotice {
  readonly submission: string;
  readonly worker: string;
  /** 0 where it is about to end. */
  readonly slots: number;
  /** The worker that had the chunk before and did not live to report it, or was cut off. */
  readonly lost: string | null;
}

/** In place of a chunk's first position, while there are no chunks. */
export const WHILE_PLANNING = -1;

/** What a chunk or batch tells of itself before it ends. */
export interface ChunkNotice {
  readonly submission: string;
  /** The chunk's first position. */
  readonly from: number;
  /** Its slot is past its budget, and starts nothing from this position on: that may go to other slots now. */
  readonly next?: number;
  /** Why nothing of it moves, and somebody may have to do something; null: it moves again. */
  readonly waits?: string | null;
  /** Of a batch, for a limit of failures: its runs so far. */
  readonly runs?: DoneRuns;
  /** How the rest is to be dealt, now that more is known. */
  readonly dealing?: BatchLimits;
}

/** Which submissions a control concerns: the one in progress first. */
export interface ControlReply {
  readonly submissions: readonly string[];
}

export type Phase = 'queued' | 'planning' | 'running' | 'waiting' | 'paused' | 'cancelling' | 'settling';

/** What the status query answers while the workflow runs. Afterwards, the store's outcome tells. */
export interface WorkflowStatus {
  /** The store's uri. */
  readonly store: string;
  readonly experiment_id: string;
  readonly current: SubmissionStatus | null;
  readonly queued: readonly string[];
}

export const isPaused = ({ phase, paused }: Pick<SubmissionStatus, 'phase' | 'paused'>): boolean =>
  paused ?? phase === 'paused';

export interface SubmissionStatus {
  readonly submission: string;
  readonly phase: Phase;
  /** Why it waits, is paused, or is being cancelled; null otherwise. */
  readonly reason: string | null;
  /** All cells: success + failed + cancelled + running + pending. */
  readonly total: number;
  readonly reused: number;
  /** Records of this submission so far, as chunks reported them. */
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Chunks in slots: each slot does one run at a time. */
  readonly running: number;
  /** Their first positions: workers' live files tell of these, and for a moment of others, which have reported. */
  readonly chunks: readonly number[];
  /** Where each of them ends now: some have given back what follows their run in progress. Absent from older workflows. */
  readonly chunk_ends?: readonly number[];
  /** Running means of the metrics in these records. */
  readonly means: RunningMeans;
  /** Absent from older workflows. */
  readonly digest?: RunDigest;
  /** Chunks are to come back when their run in progress ends, since the workflow continues as new. */
  readonly yields?: boolean;
  /** Whatever else it waits for, which `phase` may tell instead. Absent from older workflows. */
  readonly paused?: boolean;
  /** Why, by whom and since when. Absent from older workflows. */
  readonly pause?: PauseState | null;
}

/** Types of the failures that activities end with, beside Temporal's own: faults that retrying at once can't mend. */
export const FAULT = {
  /** The store can't be written (full, read-only): wait until it can, then go on. Details of a chunk: an ExecuteResult. */
  storeUnwritable: 'StoreUnwritable',
  /** Slots can't do this submission's runs at all: give it up. */
  execution: 'ExecutionFault',
  /** Somebody cancelled a batch where it ran, so the submission is cancelled. Details: an ExecuteResult. */
  cancelled: 'BatchCancelled',
  /** What the submission refers to isn't in the store, or isn't what it should be: give it up. */
  brokenSubmission: 'BrokenSubmission',
  /** The submission is not signed by the worker's key: nothing is done for it. */
  refused: 'RequestRefused',
} as const;
