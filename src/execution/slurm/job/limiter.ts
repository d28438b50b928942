import type { QueuePoller } from '../queue/poller.js';
import { type SubmitOptions, type Submitted, submitArray } from './submit.js';

const LOOK_MS = 30_000;
const OVER_LIMIT_PAUSE_MS = 15_000;
/** The longest time that a timer takes. */
const MAX_TURN_MS = 2 ** 31 - 1;

/** `retry`: if cancelled, it stops waiting: nothing will be submitted. */
type Turn = Pick<SubmitOptions, 'retry' | 'onWaits'>;

/**
 * Submits arrays one after another, each when its tasks and all of the user's queued jobs, from metalab or not, are
 * within the submit limit. So sbatch never hits the limit, unless somebody else submits at that moment.
 */
export class SubmitLimiter {
  readonly #queue: Pick<QueuePoller, 'countJobs' | 'onLook'>;
  /** An array that waits for a limit holds up others with the same limit, but not those that may submit more. */
  readonly #turns = new Map<number, Promise<unknown>>();
  /** Tasks that are being submitted, and when the last ones were: the queue may or may not show them. */
  #tasks = 0;
  #submittedAt = Number.NEGATIVE_INFINITY;

  constructor(queue: Pick<QueuePoller, 'countJobs' | 'onLook'>) {
    this.#queue = queue;
  }

  /**
   * @param limit the most jobs that the user may have at a time; Infinity: no limit
   * @param submit called in its turn
   */
  async within<T>(tasks: number, limit: number, options: Turn, submit: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(limit) ?? Promise.resolve();
    // A cancelled submit stops waiting immediately, but those behind it still wait for their turn.
    const turn = options.retry
      .sleepUnlessCancelled(MAX_TURN_MS, before)
      .then(() => this.#untilSubmitted(tasks, limit, options, submit));
    this.#turns.set(limit, Promise.allSettled([before, turn]));
    return turn;
  }

  async #untilSubmitted<T>(tasks: number, limit: number, turn: Turn, submit: () => Promise<T>): Promise<T> {
    turn.retry.check();
    if (Number.isFinite(limit)) await this.#untilFits(tasks, limit, turn);
    this.#tasks += tasks;
    return submit().finally(() => {
      this.#tasks -= tasks;
      this.#submittedAt = performance.now();
    });
  }

  async #untilFits(tasks: number, limit: number, { retry, onWaits }: Turn): Promise<void> {
    for (let since = performance.now(); !retry.cancelled; ) {
      const count = await this.#count(since);
      // An array larger than the limit is left to Slurm to refuse.
      if (count !== undefined && (count + tasks <= limit || count === 0)) return onWaits(null);
      onWaits(
        count === undefined
          ? 'squeue does not show the queue: nothing is submitted until it does'
          : `${count} of the ${limit} jobs that you may have submitted are in the queue: ${tasks} more wait`,
      );
      let forget = () => {};
      const looked = new Promise<void>((resolve) => {
        forget = this.#queue.onLook(resolve);
      });
      await retry.sleepUnlessCancelled(LOOK_MS, looked);
      forget();
      retry.check();
      since = Math.max(since, performance.now() - LOOK_MS / 10);
    }
  }

  /** Jobs in the queue and on their way there: some may be counted twice, but none is missed. */
  async #count(since: number): Promise<number | undefined> {
    for (;;) {
      const from = Math.max(since, this.#submittedAt);
      const queued = await this.#queue.countJobs(from);
      if (queued === undefined) return undefined;
      if (this.#submittedAt <= from) return queued + this.#tasks;
    }
  }
}

interface Turns {
  readonly limiter: Pick<SubmitLimiter, 'within'>;
  readonly tasks: number;
  /** The most jobs that the user may have at a time; Infinity: no limit. */
  readonly limit: number;
}

/**
 * Submits an array when it is its turn. If Slurm accepts no further jobs now, because of a limit that others may not
 * reach, it gives up its turn and queues again.
 *
 * @returns its job; undefined if it was cancelled before
 */
export async function submitInTurn(
  { limiter, tasks, limit }: Turns,
  options: SubmitOptions,
  submit: (options: SubmitOptions) => Promise<Submitted> = submitArray,
): Promise<string | undefined> {
  for (;;) {
    const submitted = await limiter.within(tasks, limit, options, () => submit(options));
    if (submitted.kind !== 'over') return submitted.kind === 'job' ? submitted.job : undefined;
    options.onWaits(`Slurm accepts no further jobs now: ${submitted.message}`);
    await options.retry.sleepUnlessCancelled(OVER_LIMIT_PAUSE_MS);
  }
}
