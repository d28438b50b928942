import type { SubmitLimiter } from './limiter.js';
import { type SubmitOptions, type Submitted, submitArray } from './submit.js';

const OVER_LIMIT_PAUSE_MS = 15_000;

interface Turns {
  readonly limiter: Pick<SubmitLimiter, 'within'>;
  readonly tasks: number;
  /** Jobs of the user's at once; Infinity: none. */
  readonly limit: number;
}

/**
 * Has an array submitted when it is its turn. Where Slurm takes no further jobs now, by a limit that others may not meet, it
 * gives its turn up and comes again.
 *
 * @returns its job; undefined where it was cancelled before
 */
export async function submitInTurn(
  { limiter, tasks, limit }: Turns,
  options: SubmitOptions,
  submit: (options: SubmitOptions) => Promise<Submitted> = submitArray,
): Promise<string | undefined> {
  for (;;) {
    const submitted = await limiter.within(tasks, limit, options, () => submit(options));
    if (submitted.kind !== 'over') return submitted.kind === 'job' ? submitted.job : undefined;
    options.onWaits(`Slurm takes no further jobs now: ${submitted.message}`);
    await options.patience.sleep(OVER_LIMIT_PAUSE_MS, options.cancelled);
  }
}
