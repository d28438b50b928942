import type { ChunkNotice, SubmissionStatus, WorkerNotice } from '../contract/workflow.js';

/** What activities see of the workflow that they are of. */
export interface WorkflowView {
  /** How the submission in progress stands now; null where there is none, undefined where nobody answers in time. */
  current(workflowId: string): Promise<SubmissionStatus | null | undefined>;
  /** @returns whether it was heard */
  announce(workflowId: string, notice: WorkerNotice): Promise<boolean>;
  /** @returns whether it was heard */
  tell(workflowId: string, notice: ChunkNotice): Promise<boolean>;
  /** Whether somebody terminated or cancelled it. */
  wasEnded(workflowId: string, runId: string): Promise<boolean>;
}

export interface WorkerIdentity {
  /** `{host}-{pid}`. */
  readonly id: string;
  /** How many chunks it does at once; 0 where it is about to end. */
  slots(): number;
  /** A submission asks for more slots than the worker was started with: as many, until it is released. */
  provide(submission: string, slots: number | null): void;
}
