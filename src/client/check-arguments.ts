import { type Duration, parseDuration } from '../definition/duration.js';
import { DefinitionError, MetalabError, type Problem } from '../definition/errors.js';
import { type Experiment, isExperiment } from '../definition/experiment.js';
import { FAILURE_LIMIT_EXPECTATION, parseFailureLimit } from '../definition/failure-limit.js';
import { formatValue, optionProblems } from '../definition/refuse.js';

/** The kind of value that an option takes: a description and a check. */
interface Kind {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

/** Every option of a function and its kind; undefined means that the option was not given. */
export type OptionKinds<Options> = { readonly [name in keyof Required<Options>]: Kind };

export const FLAG: Kind = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
export const TEXT: Kind = { expected: 'a text', accepts: (value) => typeof value === 'string' };
/** Checked where it is used, with a better message. */
export const ANYTHING: Kind = { expected: 'anything', accepts: () => true };
export const LISTENER: Kind = {
  expected: 'a function that takes a line of text',
  accepts: (value) => typeof value === 'function',
};
export const EXECUTOR: Kind = {
  expected: "the name of an environment, or a config such as { type: 'local', slots: 8 }",
  accepts: (value) =>
    typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
};
export const RUN_IDS: Kind = {
  expected: 'an array of run_ids, or prefixes of them',
  accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
};
export const FAILURE_LIMIT: Kind = {
  expected: FAILURE_LIMIT_EXPECTATION,
  accepts: (value) => parseFailureLimit(value) !== undefined,
};
export const ASKED: Kind = {
  expected: 'a function that answers true or false',
  accepts: (value) => typeof value === 'function',
};
export const SIGNAL: Kind = {
  expected: 'an AbortSignal',
  accepts: (value) => value instanceof AbortSignal,
};

/**
 * Checks the options of one of the client's functions.
 *
 * @throws DefinitionError METALAB_OPTION with every unknown name and wrong kind
 */
export function checkOptions<Options>(where: string, options: unknown, kinds: OptionKinds<Options>): void {
  const known = Object.keys(kinds);
  const problems: Problem[] = optionProblems(where, options, known);
  for (const [name, { expected, accepts }] of Object.entries<Kind>(kinds)) {
    const value = (options as { readonly [name: string]: unknown } | null | undefined)?.[name];
    if (value !== undefined && !accepts(value))
      problems.push({ where: `${where}.${name}`, what: `is ${formatValue(value)}`, expected });
  }
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_OPTION');
}

/** @throws MetalabError METALAB_NOT_AN_EXPERIMENT, with what to do if the mistake can be guessed */
export function checkExperiment(where: string, value: unknown): asserts value is Experiment {
  if (isExperiment(value)) return;
  throw new MetalabError({
    code: 'METALAB_NOT_AN_EXPERIMENT',
    where,
    what: `got ${value instanceof Promise ? 'a Promise' : formatValue(value)}`,
    expected: 'what experiment({ … }) returned',
    next: guessMistake(value),
  });
}

function guessMistake(value: unknown): string {
  if (typeof value === 'string')
    return `import the experiment from its file, or run: metalab submit ${value}`;
  if (value instanceof Promise) return 'await it first';
  if (typeof value !== 'object' || value === null) return 'pass the experiment itself';
  const exported = Object.entries(value).find(([, member]) => isExperiment(member))?.[0];
  if (exported !== undefined) return `this is a whole module: pass its export ${exported}`;
  return 'wrap it in experiment(…), which checks it and remembers where it was declared';
}

/** @throws MetalabError METALAB_EXPERIMENT_ID if it is not a text, for example an experiment */
export function checkExperimentId(where: string, id: unknown): asserts id is string {
  if (typeof id === 'string' && id !== '') return;
  throw new MetalabError({
    code: 'METALAB_EXPERIMENT_ID',
    where,
    what: isExperiment(id) ? 'got an experiment' : `got ${formatValue(id)}`,
    expected: "an experiment's id, 'name:version'",
    ...(isExperiment(id) ? { next: `pass '${id.name}:${id.version}'` } : {}),
  });
}

/** @throws MetalabError METALAB_DURATION */
export function checkDuration(name: string, duration: Duration): number {
  const milliseconds = parseDuration(duration);
  if (milliseconds !== undefined) return milliseconds;
  throw new MetalabError({
    code: 'METALAB_DURATION',
    what: `${name} is ${formatValue(duration)}`,
    expected: "a duration such as '90s' or '2h', or milliseconds above 0",
  });
}

export const closedError = (where: string) =>
  new MetalabError({
    code: 'METALAB_CLOSED',
    where,
    what: 'the connection was closed by lab.close()',
    expected: 'an open one',
    next: 'close it last, or connect() again; submitted runs continue',
  });
