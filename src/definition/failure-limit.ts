/** How many runs may fail before a sweep is ended: a number of runs, or a share of the finished runs, such as `20%`. */
export type FailureLimit = number | `${number}%`;

/** Runs that must be done before a percentage counts. */
export const MIN_RUNS_FOR_PERCENT = 20;

export const FAILURE_LIMIT_EXPECTATION = `a number of runs from 1, or a percentage from 1% to 100%, which counts once ${MIN_RUNS_FOR_PERCENT} runs are done`;

/** Runs of one submission, without reused ones. */
export interface DoneRuns {
  readonly failed: number;
  /** Including the failed ones. */
  readonly done: number;
}

/** @returns undefined if the value is not a limit */
export function parseFailureLimit(value: unknown): FailureLimit | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 1 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^\d+$/.test(value)) return parseFailureLimit(Number(value));
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1];
  if (percent === undefined || Number(percent) < 1 || Number(percent) > 100) return undefined;
  return `${Number(percent)}%`;
}

const shareOf = (limit: string) => Number.parseFloat(limit) / 100;

/** Whether so many runs have failed that the sweep must end. */
export function isReached(limit: FailureLimit, { failed, done }: DoneRuns): boolean {
  if (typeof limit === 'number') return failed >= limit;
  return done >= MIN_RUNS_FOR_PERCENT && failed >= shareOf(limit) * done;
}

/** How many further runs may fail until the limit is reached, if no run succeeds meanwhile: 1 or more; may be Infinity. */
export function failuresLeft(limit: FailureLimit, { failed, done }: DoneRuns): number {
  if (typeof limit === 'number') return Math.max(1, limit - failed);
  const share = shareOf(limit);
  const byShare = share === 1 ? (failed === done ? 1 : Infinity) : (share * done - failed) / (1 - share);
  return Math.max(1, MIN_RUNS_FOR_PERCENT - done, Math.ceil(byShare));
}
