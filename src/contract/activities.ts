import type { RunDigest } from '../definition/run-digest.js';
import type { BatchLimits, PositionRange } from '../execution/batch-executor.js';
import type { ChunkReport } from '../runner/protocol.js';
import type { PlanManifest, SubmissionOutcome } from '../storage/manifest.js';
import type { ControlRequest, SubmissionRequest } from './workflow.js';

/** Which submission, in which store, as it was signed. Every activity gets it. */
export interface SubmissionRef extends SubmissionRequest {
  readonly store: string;
  readonly experiment_id: string;
}

export interface PlanInput extends SubmissionRef {
  /** The submissions that are queued behind it; null where they are too many to tell. */
  readonly queued: readonly string[] | null;
}

export interface PlanResult
  extends Pick<PlanManifest, 'total' | 'positions' | 'new' | 'retried' | 'reused' | 'stale'> {
  /** The worker that planned, and how many slots it has. */
  readonly worker: string;
  readonly slots: number;
  /** Absent or null: chunks go to workers' slots. */
  readonly dealing?: BatchLimits | null;
}

export interface ExecuteInput extends SubmissionRef {
  readonly from: number;
  readonly to: number;
  readonly budget_ms: number;
  /** Of a submission with a limit of failures: after so many in it, it comes back, or tells of them if it is a batch. */
  readonly failures_left?: number;
  /** Of a batch: what it is to do between `from` and `to`, ascending; at most 200. */
  readonly ranges?: readonly PositionRange[];
  /** Of a batch: what a run took so far on average, milliseconds; null where nothing is known. */
  readonly mean_ms?: number | null;
}

export interface ExecuteResult extends ChunkReport {
  /** How long the slot was taken, milliseconds. */
  readonly elapsed_ms: number;
  readonly worker: string;
  /** 0 where the worker is about to end. */
  readonly slots: number;
  /** Of a batch: what it did not do; its `next` says nothing. */
  readonly left?: readonly PositionRange[];
  /** Of a batch: how the rest is to be dealt. */
  readonly dealing?: BatchLimits;
  /** Of a batch: the scheduler's id for it. */
  readonly job?: string | null;
}

export interface SettleInput extends SubmissionRef {
  readonly started_at: string;
  /** Of the runs that chunks reported. */
  readonly digest?: RunDigest;
  /** Settle it whatever is missing, in this state and for this reason. */
  readonly abandon: { readonly state: 'cancelled' | 'failed'; readonly reason: string } | null;
}

/** Either the outcome, or what goes round again: at most some hundred ranges of the positions that are missing. */
export interface SettleResult {
  readonly outcome: SubmissionOutcome | null;
  readonly missing: readonly PositionRange[];
  /** Records of this submission's plan that the store has. */
  readonly recorded: number;
}

export type ProbeInput = SubmissionRef;

/** An update that a workflow got. */
export type VerifyInput = Pick<SubmissionRef, 'store' | 'experiment_id'> &
  (
    | { readonly update: 'enqueue'; readonly request: SubmissionRequest }
    | { readonly update: 'cancel' | 'pause' | 'resume'; readonly request: ControlRequest }
  );

/** What the workflow may ask of a worker. */
export interface Activities {
  /** Decides which runs are missing and writes the plan. Safe to repeat. */
  plan(input: PlanInput): Promise<PlanResult>;
  /** Executes a range of the plan in one slot. Fails with `FAULT` types only for infrastructure. */
  execute(input: ExecuteInput): Promise<ExecuteResult>;
  /** Counts what the store has of the plan; writes the outcome once nothing is missing. Safe to repeat. */
  settle(input: SettleInput): Promise<SettleResult>;
  /** @returns why nothing can be written to the store now, or null where it can */
  probe(input: ProbeInput): Promise<string | null>;
  /** A local one: what a workflow may not compute. @returns why an update is refused, or null where it is not */
  verify(input: VerifyInput): Promise<string | null>;
}
