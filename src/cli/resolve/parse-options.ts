import { UsageError } from '../../definition/errors.js';
import {
  FAILURE_LIMIT_EXPECTATION,
  type FailureLimit,
  MIN_RUNS_FOR_PERCENT,
  parseFailureLimit,
} from '../../definition/failure-limit.js';

/** Makes a parser of whole numbers in a range, for the option that it names in its error. */
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

/** @throws UsageError where the text is no limit */
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

/** Of `submit` and `retry`. */
export const MAX_FAILURES_OPTION = {
  flags: '--max-failures <limit>',
  description: `end the sweep, as cancel does, once so many runs have failed (10), or such a part of those done (20%, which counts once ${MIN_RUNS_FOR_PERCENT} are done)`,
  parse: failureLimit,
};
