import type { ChunkReport } from '../runner/protocol.js';
import type { PlanManifest, SubmissionOptions, SubmissionOutcome } from '../storage/manifest.js';

/** Which submission, in which store. Every activity gets it. */
export interface SubmissionRef {
  readonly store: string;
  readonly experiment_id: string;
  readonly submission: string;
}

export interface PlanInput extends SubmissionRef {
  readonly declaration: string;
  readonly options: SubmissionOptions;
  /** The submissions that are queued behind it; null where they are too many to tell. */
  readonly queued: readonly string[] | null;
}

export interface PlanResult
  extends Pick<PlanManifest, 'total' | 'positions' | 'new' | 'retried' | 'reused' | 'stale'> {
  /** The worker that planned, and how many slots it has. */
  readonly worker: string;
  readonly slots: number;
}

export interface ExecuteInput extends SubmissionRef {
  readonly declaration: string;
  readonly from: number;
  readonly to: number;
  readonly budget_ms: number;
  /** How many slots the submission asked for: a worker that came later provides them too. */
  readonly slots?: number | null;
}

export interface ExecuteResult extends ChunkReport {
  /** How long the slot was taken, milliseconds. */
  readonly elapsed_ms: number;
  readonly worker: string;
  /** 0 where the worker is about to end. */
  readonly slots: number;
}

export interface SettleInput extends SubmissionRef {
  readonly started_at: string;
  /** Settle it whatever is missing, in this state and for this reason. */
  readonly abandon: { readonly state: 'cancelled' | 'failed'; readonly reason: string } | null;
}

/** Either the outcome, or what goes round again: at most some hundred ranges of the positions that are missing. */
export interface SettleResult {
  readonly outcome: SubmissionOutcome | null;
  readonly missing: readonly { readonly from: number; readonly to: number }[];
  /** Records of this submission's plan that the store has. */
  readonly recorded: number;
}

export interface ProbeInput {
  readonly store: string;
}

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
}
