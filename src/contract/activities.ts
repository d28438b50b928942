import type { PositionRange } from '../definition/position-range.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { BatchLimits } from '../execution/batch-executor.js';
import type { ChunkReport } from '../runner/protocol/protocol.js';
import type { PlanManifest, SubmissionOutcome } from '../storage/manifest.js';
import type { ControlRequest, SubmissionRequest } from './workflow.js';

/** A submission and its store, as signed. Every activity gets it. */
export interface SubmissionRef extends SubmissionRequest {
  readonly store: string;
  readonly experiment_id: string;
}

export interface PlanInput extends SubmissionRef {
  /** The submissions that are queued behind it; null if there are too many to list. */
  readonly queued: readonly string[] | null;
}

export interface PlanResult
  extends Pick<PlanManifest, 'total' | 'positions' | 'new' | 'retried' | 'reused' | 'stale'> {
  /** The worker that planned, and its number of slots. */
  readonly worker: string;
  readonly slots: number;
  /** Absent or null: chunks go to workers' slots. */
  readonly dealing?: BatchLimits | null;
}

export interface ExecuteInput extends SubmissionRef {
  readonly from: number;
  readonly to: number;
  readonly budget_ms: number;
  /**
   * For a submission with a limit of failures: after this many failures the chunk comes back; a batch reports them
   * instead.
   */
  readonly failures_left?: number;
  /** For a batch: its positions between `from` and `to`, ascending; at most 200 ranges. */
  readonly ranges?: readonly PositionRange[];
  /** For a batch: mean duration of the runs so far, milliseconds; null if not known yet. */
  readonly mean_ms?: number | null;
}

export interface ExecuteResult extends ChunkReport {
  /** How long the slot was in use, milliseconds. */
  readonly elapsed_ms: number;
  readonly worker: string;
  /** 0 if the worker is about to end. */
  readonly slots: number;
  /** For a batch: what it did not do. Its `next` has no meaning. */
  readonly left?: readonly PositionRange[];
  /** For a batch: limits for the next batches. */
  readonly dealing?: BatchLimits;
  /** For a batch: its id at the scheduler. */
  readonly job?: string | null;
}

export interface SettleInput extends SubmissionRef {
  readonly started_at: string;
  /** Of the runs that chunks reported. */
  readonly digest?: RunDigest;
  /** Settles the submission whatever is missing, in this state and for this reason. */
  readonly abandon: { readonly state: 'cancelled' | 'failed'; readonly reason: string } | null;
}

/** Either the outcome, or what to hand out again: at most some hundred ranges of the missing positions. */
export interface SettleResult {
  readonly outcome: SubmissionOutcome | null;
  readonly missing: readonly PositionRange[];
  /** Number of this submission's planned runs that have a record in the store. */
  readonly recorded: number;
}

export type ProbeInput = SubmissionRef;

/** An update that a workflow received. */
export type VerifyInput = Pick<SubmissionRef, 'store' | 'experiment_id'> &
  (
    | { readonly update: 'enqueue'; readonly request: SubmissionRequest }
    | { readonly update: 'cancel' | 'pause' | 'resume'; readonly request: ControlRequest }
  );

/** The activities that a workflow may call. */
export interface Activities {
  /** Finds out which runs are missing and writes the plan. Safe to repeat. */
  plan(input: PlanInput): Promise<PlanResult>;
  /** Executes a range of the plan in one slot. Fails with `FAULT` types only for infrastructure. */
  execute(input: ExecuteInput): Promise<ExecuteResult>;
  /** Counts the plan's records in the store; writes the outcome once nothing is missing. Safe to repeat. */
  settle(input: SettleInput): Promise<SettleResult>;
  /** @returns why the store can't be written now, or null if it can */
  probe(input: ProbeInput): Promise<string | null>;
  /**
   * A local activity, for what a workflow must not compute. @returns why an update is refused, or null if it is
   * accepted
   */
  verify(input: VerifyInput): Promise<string | null>;
}
