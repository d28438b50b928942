import { CancelledFailure, type Context } from '@temporalio/activity';
import type { ActivityDependencies } from './dependencies.js';

/**
 * Why a chunk should stop. `yield`: the worker is about to end, or has lost the store. `cancel`: somebody cancelled the
 * sweep, or terminated its workflow. `lost`: the server has given the chunk to another worker, so nobody asked for the
 * stop, and its runs are not recorded as cancelled.
 */
type Why = 'yield' | 'cancel' | 'lost';

/** Translates Temporal's cancellation and the worker's end for executors. */
export class StopSignal {
  stopped: Why | undefined;
  readonly #listeners = new Set<(how: 'yield' | 'cancel') => void>();
  readonly #stopListening: () => void;

  constructor(
    context: Context,
    { onStopping, worker, workflows }: Pick<ActivityDependencies, 'onStopping' | 'worker' | 'workflows'>,
  ) {
    this.#stopListening = onStopping(() => this.#stop('yield'));
    // It was asked to end while the activity read the submission's files, or asked its workflow.
    if (worker.slots() === 0) this.#stop('yield');
    context.cancelled.catch((reason: unknown) => {
      const message = reason instanceof CancelledFailure ? reason.message : '';
      if (message === 'WORKER_SHUTDOWN') this.#stop('yield');
      else if (context.cancellationDetails?.cancelRequested) this.#stop('cancel');
      else {
        // Whoever terminates the workflow, in the Temporal UI, wants its runs to end.
        const { workflowId, runId } = context.info.workflowExecution!;
        void workflows.wasEnded(workflowId, runId).then((ended) => this.#stop(ended ? 'cancel' : 'lost'));
      }
    });
  }

  /** Another engine has taken the store: running runs may end, and nothing more is started. */
  yield(): void {
    this.#stop('yield');
  }

  onStop(listener: (how: 'yield' | 'cancel') => void): () => void {
    if (this.stopped) listener(this.stopped === 'cancel' ? 'cancel' : 'yield');
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stopListening();
    this.#listeners.clear();
  }

  #stop(why: Why): void {
    if (this.stopped === 'cancel' || this.stopped === why) return;
    this.stopped = why;
    for (const listener of this.#listeners) listener(why === 'cancel' ? 'cancel' : 'yield');
  }
}
