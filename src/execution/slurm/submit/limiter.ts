import type { ClusterRetry } from '../cluster-retry.js';
import type { QueuePoller } from '../queue/poller.js';

const LOOK_MS = 30_000;

interface Turn {
  readonly patience: ClusterRetry;
  readonly onWaits: (waits: string | null) => void;
  /** Then it waits no longer: nothing will be submitted. */
  readonly isCancelled: () => boolean;
  readonly cancelled: Promise<void>;
}

/**
 * Arrays go in one after another, each when it and what the user has in the queue already, from metalab or not, are within
 * what may be submitted. So sbatch never meets the limit, unless somebody else submits at that moment.
 */
export class SubmitLimiter {
  readonly #queue: Pick<QueuePoller, 'countJobs' | 'onLook'>;
  /** Who waits under a limit has others of the same limit behind it, not those who may submit more. */
  readonly #turns = new Map<number, Promise<unknown>>();
  /** Tasks that are being submitted, and when the last ones were: the queue may show them or not. */
  #tasks = 0;
  #submittedAt = Number.NEGATIVE_INFINITY;

  constructor(queue: Pick<QueuePoller, 'countJobs' | 'onLook'>) {
    this.#queue = queue;
  }

  /**
   * @param limit jobs of the user's at once; Infinity: none
   * @param submit is called in its turn
   */
  async within<T>(tasks: number, limit: number, options: Turn, submit: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(limit) ?? Promise.resolve();
    // Who gives up waits for nobody, and those behind it still do.
    const turn = Promise.race([before, options.cancelled]).then(() =>
      this.#untilSubmitted(tasks, limit, options, submit),
    );
    this.#turns.set(limit, Promise.allSettled([before, turn]));
    return turn;
  }

  async #untilSubmitted<T>(tasks: number, limit: number, turn: Turn, submit: () => Promise<T>): Promise<T> {
    turn.patience.check();
    if (Number.isFinite(limit)) await this.#untilFits(tasks, limit, turn);
    this.#tasks += tasks;
    return submit().finally(() => {
      this.#tasks -= tasks;
      this.#submittedAt = performance.now();
    });
  }

  async #untilFits(tasks: number, limit: number, turn: Turn): Promise<void> {
    const { patience, onWaits, isCancelled, cancelled } = turn;
    for (let since = performance.now(); !isCancelled(); ) {
      const count = await this.#count(since);
      // An array that is larger than what is allowed is for Slurm to refuse.
      if (count !== undefined && (count + tasks <= limit || count === 0)) return onWaits(null);
      onWaits(
        count === undefined
          ? 'squeue does not tell what is in the queue: nothing is submitted until it does'
          : `${count} of the ${limit} jobs that you may have submitted are in the queue: ${tasks} more wait`,
      );
      let forget = () => {};
      const looked = new Promise<void>((resolve) => {
        forget = this.#queue.onLook(resolve);
      });
      await patience.sleep(LOOK_MS, Promise.race([looked, cancelled]));
      forget();
      patience.check();
      since = Math.max(since, performance.now() - LOOK_MS / 10);
    }
  }

  /** What is in the queue and what is on its way there: some of that perhaps twice, nothing not at all. */
  async #count(since: number): Promise<number | undefined> {
    for (;;) {
      const from = Math.max(since, this.#submittedAt);
      const queued = await this.#queue.countJobs(from);
      if (queued === undefined) return undefined;
      if (this.#submittedAt <= from) return queued + this.#tasks;
    }
  }
}
