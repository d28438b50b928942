import type { SubmitLimiter } from './limiter.js';
import { type SubmitOptions, type Submitted, submitArray } from './submit.js';

const OVER_LIMIT_PAUSE_MS = 15_000;

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
    await options.retry.sleep(OVER_LIMIT_PAUSE_MS, options.cancelled);
  }
}
