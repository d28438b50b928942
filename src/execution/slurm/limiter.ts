import type { Patience } from './ask.js';
import type { QueuePoller } from './queue/poller.js';

const LOOK_MS = 30_000;

/**
 * Arrays go in one after another, each when it and what the user has in the queue already, from metalab or not, are within
 * what may be submitted. So sbatch never meets the limit, unless somebody else submits at that moment.
 */
export class SubmitLimiter {
  readonly #queue: Pick<QueuePoller, 'countJobs' | 'onLook'>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(queue: Pick<QueuePoller, 'countJobs' | 'onLook'>) {
    this.#queue = queue;
  }

  /**
   * @param limit jobs of the user's at once; Infinity: none
   * @param submit is called in its turn
   */
  async within<T>(
    tasks: number,
    limit: number,
    options: { readonly patience: Patience; readonly onWaits: (waits: string | null) => void },
    submit: () => Promise<T>,
  ): Promise<T> {
    const turn = this.#last.then(async () => {
      if (Number.isFinite(limit)) await this.#room(tasks, limit, options);
      return submit();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #room(
    tasks: number,
    limit: number,
    { patience, onWaits }: { readonly patience: Patience; readonly onWaits: (waits: string | null) => void },
  ): Promise<void> {
    let since = performance.now();
    for (;;) {
      patience.check();
      const count = await this.#queue.countJobs(since);
      // An array that is larger than what is allowed is for Slurm to refuse.
      if (count !== undefined && (count + tasks <= limit || count === 0)) return onWaits(null);
      if (count !== undefined)
        onWaits(
          `${count} of the ${limit} jobs that you may have submitted are in the queue: ${tasks} more wait`,
        );
      let forget = () => {};
      const looked = new Promise<void>((resolve) => {
        forget = this.#queue.onLook(resolve);
      });
      await patience.sleep(LOOK_MS, looked);
      forget();
      since = Math.max(since, performance.now() - LOOK_MS / 10);
    }
  }
}
