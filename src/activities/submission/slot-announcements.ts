import type { WorkerIdentity, WorkflowView } from '../ports.js';

/**
 * Tells workflows about this worker's slots when it gets its first chunk of a submission, and not only when that has
 * ended: runs may take hours.
 */
export class SlotAnnouncements {
  readonly #worker: WorkerIdentity;
  readonly #workflows: WorkflowView;
  /** Workflow ids by submission. */
  readonly #told = new Map<string, string>();

  constructor(worker: WorkerIdentity, workflows: WorkflowView) {
    this.#worker = worker;
    this.#workflows = workflows;
  }

  /** The plan's result already contains them. */
  planned(submission: string, workflowId: string): void {
    this.#told.set(submission, workflowId);
  }

  /** @param lost the worker that had the chunk before; null if there was none */
  tell(submission: string, workflowId: string, lost: string | null): void {
    if (this.#told.has(submission) && lost === null) return;
    this.#told.set(submission, workflowId);
    const { id, slots } = this.#worker;
    void this.#workflows
      .announce(workflowId, { submission, worker: id, slots: slots(), lost })
      // If it was not received, the next chunk announces the slots again.
      .then((heard) => heard || this.#told.delete(submission));
  }

  /** This worker is about to end: workflows must not wait for its slots. */
  withdraw(): void {
    for (const [submission, workflowId] of this.#told)
      void this.#workflows.announce(workflowId, {
        submission,
        worker: this.#worker.id,
        slots: 0,
        lost: null,
      });
    this.#told.clear();
  }

  release(submission: string): void {
    this.#told.delete(submission);
  }
}
