import { DefinitionError, type Problem } from './errors.js';
import { nearestName } from './nearest.js';

/** Registered, not unique: an experiment file may resolve another copy of this module than the CLI does. */
const COLLECTED = Symbol.for('metalab.problems');

type Collecting = { [COLLECTED]?: Problem[] | undefined };

/**
 * Rejects arguments of a declaring function. While problems are being collected, it only records them, and the function
 * returns a harmless value.
 *
 * @throws DefinitionError with all of the problems, if there are any
 */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const collected = (globalThis as Collecting)[COLLECTED];
  if (!collected) throw new DefinitionError(problems);
  collected.push(...problems);
}

/**
 * Collects the problems that the declaring functions find while `declare` runs, to report all problems of a file together.
 *
 * @throws the error of `declare`, or, if problems were found before that, a DefinitionError with all of them
 */
export async function collectRefused<T>(
  declare: () => Promise<T>,
): Promise<{ readonly declared: T; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  (globalThis as Collecting)[COLLECTED] = problems;
  try {
    return { declared: await declare(), problems };
  } catch (thrown) {
    throw problems.length > 0 ? new DefinitionError(problems) : thrown;
  } finally {
    (globalThis as Collecting)[COLLECTED] = undefined;
  }
}

/**
 * What is wrong with the names of a function's options.
 *
 * @param where the function's name
 */
export function optionProblems(where: string, options: unknown, known: readonly string[]): Problem[] {
  if (options === undefined) return [];
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return [{ where, what: `got ${formatValue(options)}`, expected: `an object with ${known.join(', ')}` }];
  return Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((name) => unknownName(`${where}.${name}`, `is not an option of ${where}`, name, known));
}

/** The problem of an unknown name, with the name that was probably meant. */
export function unknownName(where: string, what: string, name: string, known: readonly string[]): Problem {
  const near = nearestName(name, known);
  return {
    where,
    what,
    expected: known.length > 0 ? `one of ${known.join(', ')}` : 'none',
    ...(near === undefined ? {} : { next: `did you mean ${near}?` }),
  };
}

/** Formats a value for an error message. */
export function formatValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  try {
    return JSON.stringify(value)?.slice(0, 100) ?? String(value);
  } catch {
    return String(value);
  }
}
