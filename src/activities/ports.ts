import type { ChunkNotice, SubmissionStatus, WorkerNotice } from '../contract/workflow.js';

/** An activity's view of its workflow. */
export interface WorkflowView {
  /**
   * The status of the submission in progress; null if there is none, undefined if there is no answer in time.
   *
   * @param maxAgeMs how old the status may be: a workflow's activities share its answers. Default: 0, so it is asked now
   */
  current(workflowId: string, maxAgeMs?: number): Promise<SubmissionStatus | null | undefined>;
  /** @returns whether the workflow received it */
  announce(workflowId: string, notice: WorkerNotice): Promise<boolean>;
  /** @returns whether the workflow received it */
  tell(workflowId: string, notice: ChunkNotice): Promise<boolean>;
  /** Whether somebody terminated or cancelled it. */
  wasEnded(workflowId: string, runId: string): Promise<boolean>;
}

export interface WorkerIdentity {
  /** `{host}-{pid}`. */
  readonly id: string;
  /** How many chunks it executes concurrently; 0 if it is about to end. */
  slots(): number;
  /** Provides more slots for a submission that asks for more than the worker was started with, until it is released. */
  provide(submission: string, slots: number | null): void;
}
