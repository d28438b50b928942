import type { WorkerIdentity, WorkflowView } from '../ports.js';

/**
 * Tells workflows of this worker's slots when it gets its first chunk of a submission, not only when that has ended: runs may
 * take hours.
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

  /** The plan's result says it. */
  planned(submission: string, workflowId: string): void {
    this.#told.set(submission, workflowId);
  }

  /** @param lost the worker that had the chunk before; null where nobody had it */
  tell(submission: string, workflowId: string, lost: string | null): void {
    if (this.#told.has(submission) && lost === null) return;
    this.#told.set(submission, workflowId);
    const { id, slots } = this.#worker;
    void this.#workflows
      .announce(workflowId, { submission, worker: id, slots: slots(), lost })
      // The next chunk tells it again.
      .then((heard) => heard || this.#told.delete(submission));
  }

  /** This worker is about to end: whoever waits for its slots would wait for nothing. */
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
