import type { DoneRuns } from '../definition/failure-limit.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';
import type { BatchLimits } from '../execution/batch-executor.js';
import type { SubmissionOptions } from '../storage/manifest.js';

/**
 * The contract between clients and workers of the experiment workflow. Names and plain types only: the client loads no
 * workflow code, and the workflow no client code.
 */

/**
 * Task queues. Workflows, planning and settling use the one whose name contains the key's fingerprint (`RequestKey`),
 * so that workers of other engines and users take none of its tasks. Chunks are polled by as many pollers as a worker
 * has free slots.
 */
export const slotQueueOf = (taskQueue: string) => `${taskQueue}-slots`;
/** For batches, which a scheduler elsewhere executes: many at a time, since following one takes next to nothing. */
export const batchQueueOf = (taskQueue: string) => `${taskQueue}-batches`;
/** The queue of versions that did not sign requests: nobody polls it any more. */
export const UNSIGNED_QUEUE = 'metalab';

export const EXPERIMENT_WORKFLOW = 'experiment';
export const ENQUEUE_UPDATE = 'enqueue';
export const CANCEL_UPDATE = 'cancel';
export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export const WORKER_SIGNAL = 'worker';
export const CHUNK_SIGNAL = 'chunk';
/** The type of the failure with which a validator refuses an update; its message is the reason. */
export const REFUSED = 'Refused';
/** The reason if a cancelled workflow is about to end: the next one will accept the request. */
export const CLOSING = 'its workflow is being cancelled';
export const STATUS_QUERY = 'status';

/**
 * One owner per experiment and store. It contains `store.json`'s id and not its path, so that mounts and links don't
 * matter.
 */
export const workflowIdOf = (storeId: string, experimentId: string) => `metalab/${storeId}/${experimentId}`;

/** Made with the engine's key: see `SigningKey`. Missing if the caller has no key, or an older version. */
export interface Signed {
  readonly signature?: string;
}

/** A submission as the workflow knows it: refs only. Everything else is in the store. */
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
  /** Whether metalab's search attributes are registered on the server. */
  readonly search_attributes: boolean;
  /** Continue-as-new after this many events; absent: some thousands. Part of the input, so that histories replay. */
  readonly most_events?: number;
}

export interface EnqueueReply {
  /** The submission that does the work: the caller's own, or the one that it joined. */
  readonly submission: string;
  readonly joined: boolean;
}

export interface CancelRequest extends Signed {
  /** One submission; null: the one in progress and all that wait behind it. */
  readonly submission: string | null;
  /** Recorded as the outcome's reason. */
  readonly reason: string;
}

export interface PauseRequest extends Signed {
  /** Shown with the status; empty if none was given. */
  readonly reason: string;
  /** Who sent the request, as `user@host`. Absent from older clients. */
  readonly by?: string;
}

export interface PauseState {
  /** Empty if none was given. */
  readonly reason: string;
  /** Who paused it, as `user@host`; null if an older client did. */
  readonly by: string | null;
  /** ISO 8601, by the server's clock; null if an older build noted the pause. */
  readonly at: string | null;
}

/** Older versions sent null. */
export type ResumeRequest = Signed | null;

export type ControlRequest = CancelRequest | PauseRequest | ResumeRequest;

/** What the signature of a submission covers: everything that workers act on. */
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

/** What the signature of a control request covers. */
export const controlDocument = (workflowId: string, update: string, request: ControlRequest) => {
  const { signature: _, ...asked }: Signed = { ...request };
  return { purpose: update, workflow: workflowId, request: asked };
};

/** Sent by a worker when it gets its first chunk of a submission: from then on its slots should get chunks. */
export interface WorkerNotice {
  readonly submission: string;
  readonly worker: string;
  /** 0 if it is about to end. */
  readonly slots: number;
  /** The worker that had the chunk before and did not live to report it, or was cut off. */
  readonly lost: string | null;
}

/** Used instead of a chunk's first position, while there are no chunks. */
export const WHILE_PLANNING = -1;

/** What a chunk or batch reports before it ends. */
export interface ChunkNotice {
  readonly submission: string;
  /** The chunk's first position. */
  readonly from: number;
  /** Its slot is past its budget and starts nothing from this position on: other slots may take these positions now. */
  readonly next?: number;
  /** Why it makes no progress, so that somebody may have to act; null: it progresses again. */
  readonly waits?: string | null;
  /** For a batch with a limit of failures: its runs so far. */
  readonly runs?: DoneRuns;
  /** Limits for the next batches, now that more is known. */
  readonly dealing?: BatchLimits;
}

/** Which submissions a control request affects: the one in progress first. */
export interface ControlReply {
  readonly submissions: readonly string[];
}

export type Phase = 'queued' | 'planning' | 'running' | 'waiting' | 'paused' | 'cancelling' | 'settling';

/** The answer to the status query while the workflow runs. Afterwards, the store has the outcome. */
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
  /** Their first positions: workers' live files are about these, and for a moment about others, which have reported. */
  readonly chunks: readonly number[];
  /**
   * The current end of each of them: some have given back what follows their run in progress. Absent from older
   * workflows.
   */
  readonly chunk_ends?: readonly number[];
  /** Running means of the metrics in these records. */
  readonly means: RunningMeans;
  /** Absent from older workflows. */
  readonly digest?: RunDigest;
  /** Chunks are asked to come back when their run in progress ends, since the workflow continues as new. */
  readonly yields?: boolean;
  /** Whether it is paused, whatever else it waits for, which `phase` may show instead. Absent from older workflows. */
  readonly paused?: boolean;
  /** Why, by whom and since when. Absent from older workflows. */
  readonly pause?: PauseState | null;
}

/**
 * Types of the failures with which activities end, beside Temporal's own: faults that an immediate retry can't resolve.
 */
export const FAULT = {
  /**
   * The store can't be written (full, read-only): wait until it can, then continue. Details of a chunk: an
   * ExecuteResult.
   */
  storeUnwritable: 'StoreUnwritable',
  /** Slots can't execute this submission's runs at all: give it up. */
  execution: 'ExecutionFault',
  /** Somebody cancelled a batch on the cluster, so the submission is cancelled. Details: an ExecuteResult. */
  cancelled: 'BatchCancelled',
  /** What the submission refers to isn't in the store, or isn't as expected: give it up. */
  brokenSubmission: 'BrokenSubmission',
  /** The submission is not signed with the worker's key: nothing is done for it. */
  refused: 'RequestRefused',
} as const;
