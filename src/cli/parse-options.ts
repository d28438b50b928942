import { UsageError } from '../definition/errors.js';
import {
  FAILURE_LIMIT_EXPECTATION,
  type FailureLimit,
  MIN_RUNS_FOR_PERCENT,
  parseFailureLimit,
} from '../definition/failure-limit.js';

/** Makes a parser of whole numbers in a range. Its error names the option. */
export function wholeNumber(option: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new UsageError({
      code: 'METALAB_OPTION',
      where: option,
      what: `is ${JSON.stringify(text)}`,
      expected: `a whole number from ${low} to ${high}`,
    });
  };
}

/** @throws UsageError if the text is not a limit */
export function failureLimit(text: string): FailureLimit {
  const limit = parseFailureLimit(text);
  if (limit !== undefined) return limit;
  throw new UsageError({
    code: 'METALAB_OPTION',
    where: '--max-failures',
    what: `is ${JSON.stringify(text)}`,
    expected: FAILURE_LIMIT_EXPECTATION,
  });
}

/** The option of `submit` and `retry`. */
export const MAX_FAILURES_OPTION = {
  flags: '--max-failures <limit>',
  description: `end the sweep, as cancel does, after this number of failed runs (10) or share of the finished runs (20%, which applies once ${MIN_RUNS_FOR_PERCENT} are done)`,
  parse: failureLimit,
};
