import { createHash } from 'node:crypto';
import type { Problem } from '../errors.js';
import type { JsonObject, JsonValue } from '../json.js';
import { nearestName } from '../nearest.js';
import { formatValue, optionProblems, refuse } from '../refuse.js';
import { checkIndex, type Distribution, type ParamSource, type RandomSpec } from './source.js';

/** Uniformly distributed real numbers: low ≤ x < high. */
export const uniform = (low: number, high: number, ...more: never[]): Distribution =>
  drawn({ dist: 'uniform', low, high }, more);
/** Real numbers whose logarithm is uniform: low ≤ x < high, both above 0. */
export const logUniform = (low: number, high: number, ...more: never[]): Distribution =>
  drawn({ dist: 'logUniform', low, high }, more);
/** Uniformly distributed whole numbers: low ≤ x ≤ high. */
export const int = (low: number, high: number, ...more: never[]): Distribution =>
  drawn({ dist: 'int', low, high }, more);
/** Whole numbers whose logarithm is about uniform: low ≤ x ≤ high, low at least 1. */
export const logInt = (low: number, high: number, ...more: never[]): Distribution =>
  drawn({ dist: 'logInt', low, high }, more);
/** Normally distributed real numbers. */
export const normal = (mean: number, std: number, ...more: never[]): Distribution =>
  drawn({ dist: 'normal', mean, std }, more);
/** One of the values, all equally likely. */
export const choice = (values: readonly JsonValue[], ...more: never[]): Distribution =>
  drawn({ dist: 'choice', values }, more);

/** A distribution keeps arguments that it does not accept, so that `random` reports them with other problems. */
const drawn = (distribution: Distribution, more: readonly unknown[]): Distribution =>
  more.length > 0 ? Object.assign({ further: more }, distribution) : distribution;

/**
 * A random search. The i-th case depends only on `seed` and i, and each param only on its own name beside them, so that
 * more trials keep the earlier ones, and a further param keeps the others' values.
 *
 * @param options.space how each param is drawn; a plain value other than a list is the same in every case
 * @param options.trials how many cases are drawn; a case drawn twice is one case
 * @param options.seed a whole number
 * @throws DefinitionError naming every distribution that can't be drawn from, and every unknown option
 */
export function random(options: {
  readonly space: { readonly [param: string]: Distribution | JsonValue };
  readonly trials: number;
  readonly seed: number;
}): ParamSource {
  const problems: Problem[] = optionProblems('random', options ?? null, ['space', 'trials', 'seed']);
  const { space: given, trials, seed } = options ?? {};
  const space: Record<string, Distribution> = {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    problems.push({
      where: 'random.space',
      what: given === undefined ? 'is missing' : `is ${formatValue(given)}`,
      expected: 'how each param is drawn, e.g. { lr: logUniform(1e-5, 1e-1) }',
    });
  }
  for (const [param, entry] of Object.entries(given ?? {})) {
    const problem = entryProblem(entry);
    if (problem) problems.push({ where: `random space '${param}'`, ...problem });
    else space[param] = isDistribution(entry) ? entry : choice([entry as JsonValue]);
  }
  if (!Number.isInteger(trials) || trials < 0) {
    problems.push({ where: 'random', what: `trials is ${trials}`, expected: 'a whole number of cases' });
  }
  if (!Number.isSafeInteger(seed)) {
    problems.push({ where: 'random', what: `seed is ${seed}`, expected: 'a whole number, e.g. seed: 1' });
  }
  refuse(problems);
  if (problems.length > 0) return new Random({ kind: 'random', space: {}, trials: 1, seed: 0 });
  return new Random({ kind: 'random', space, trials, seed });
}

export class Random implements ParamSource {
  readonly kind = 'random';
  readonly length: number;
  readonly #spec: RandomSpec;
  readonly #keys: readonly string[];
  readonly #collapsed: readonly number[];

  constructor(spec: RandomSpec) {
    this.#spec = spec;
    this.#keys = Object.keys(spec.space).sort();
    this.#collapsed = spec.collapsed ?? [];
    this.length = spec.trials - this.#collapsed.length;
  }

  at(index: number): JsonObject {
    checkIndex(index, this.length);
    const trial = this.#trial(index);
    const params: JsonObject = {};
    for (const key of this.#keys)
      params[key] = draw(this.#spec.space[key]!, `${this.#spec.seed}:${trial}:${key}`);
    return params;
  }

  tagsAt(): readonly string[] {
    return [];
  }

  toSpec(): RandomSpec {
    return this.#spec;
  }

  /** The trial of the index-th distinct case: a binary search for the number of left-out trials before it. */
  #trial(index: number): number {
    let low = 0;
    let high = this.#collapsed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#collapsed[middle]! - middle <= index) low = middle + 1;
      else high = middle;
    }
    return index + low;
  }
}

function draw(distribution: Distribution, key: string): JsonValue {
  const digest = createHash('sha256').update(key).digest();
  const u = unitInterval(digest, 0);
  switch (distribution.dist) {
    case 'uniform':
      return within(distribution, distribution.low + u * (distribution.high - distribution.low));
    case 'logUniform': {
      const [low, high] = [Math.log(distribution.low), Math.log(distribution.high)];
      return within(distribution, Math.exp(low + u * (high - low)));
    }
    case 'int':
      return distribution.low + Math.floor(u * (distribution.high - distribution.low + 1));
    case 'logInt': {
      const [low, high] = [Math.log(distribution.low), Math.log(distribution.high + 1)];
      const drawn = Math.floor(Math.exp(low + u * (high - low)));
      return Math.max(distribution.low, Math.min(distribution.high, drawn));
    }
    case 'normal': {
      // Box-Muller; 1 - u keeps the logarithm finite.
      const radius = Math.sqrt(-2 * Math.log(1 - u));
      return distribution.mean + distribution.std * radius * Math.cos(2 * Math.PI * unitInterval(digest, 8));
    }
    case 'choice':
      return distribution.values[Math.floor(u * distribution.values.length)]!;
  }
}

/** Rounding can give `high` itself, or a value just below `low`: e.g. Math.exp(Math.log(3)) < 3. */
function within({ low, high }: { low: number; high: number }, drawn: number): number {
  return drawn >= low && drawn < high ? drawn : low;
}

/** 53 bits of the digest as a number in [0, 1). */
function unitInterval(digest: Buffer, offset: number): number {
  return (digest.readUInt32BE(offset) * 2 ** 21 + (digest.readUInt32BE(offset + 4) >>> 11)) * 2 ** -53;
}

const ARGUMENTS: { readonly [kind in Distribution['dist']]: readonly string[] } = {
  uniform: ['low', 'high'],
  logUniform: ['low', 'high'],
  int: ['low', 'high'],
  logInt: ['low', 'high'],
  normal: ['mean', 'std'],
  choice: ['values'],
};

const KINDS = Object.keys(ARGUMENTS);

function isDistribution(value: unknown): value is Distribution {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dist' in value &&
    Object.hasOwn(ARGUMENTS, String(value.dist))
  );
}

/** What is wrong with a param of the space: a distribution, or a plain value that all cases share. */
function entryProblem(entry: unknown): Problem | undefined {
  if (Array.isArray(entry)) {
    const list = formatValue(entry);
    return {
      what: `is the list ${list}`,
      expected: 'a distribution, or one plain value that all cases share',
      next: `write choice(${list}) to draw one of these, or choice([${list}]) where the list itself is the value`,
    };
  }
  if (!isDistribution(entry)) {
    const dist =
      typeof entry === 'object' && entry !== null && 'dist' in entry ? String(entry.dist) : undefined;
    const near = dist === undefined ? undefined : nearestName(dist, KINDS);
    return near === undefined
      ? undefined
      : {
          what: `there is no distribution '${dist}'`,
          expected: `one of ${KINDS.join(', ')}`,
          next: `did you mean ${near}?`,
        };
  }
  const expected = expectation(entry);
  if (expected) return { what: `got ${formatValue(entry)}`, expected };
  const taken = ARGUMENTS[entry.dist];
  const further = Object.entries(entry).find(([name]) => name !== 'dist' && !taken.includes(name));
  if (!further) return undefined;
  const [name, value] = further;
  const what = name === 'further' ? `got ${formatValue((value as unknown[])[0])} too` : `got '${name}' too`;
  return { what, expected: `${entry.dist}(${taken.join(', ')}) and nothing more` };
}

/** @returns what the distribution should have been, or `undefined` if it is valid. */
function expectation(distribution: Distribution): string | undefined {
  switch (distribution.dist) {
    case 'uniform':
      return ordered(distribution) ? undefined : 'uniform(low, high) with finite low < high';
    case 'logUniform':
      return ordered(distribution) && distribution.low > 0
        ? undefined
        : 'logUniform(low, high) with 0 < low < high';
    case 'int':
      return whole(distribution) ? undefined : 'int(low, high) with whole numbers low ≤ high';
    case 'logInt':
      return whole(distribution) && distribution.low >= 1
        ? undefined
        : 'logInt(low, high) with whole numbers 1 ≤ low ≤ high';
    case 'normal':
      return Number.isFinite(distribution.mean) && Number.isFinite(distribution.std) && distribution.std >= 0
        ? undefined
        : 'normal(mean, std) with finite numbers, std ≥ 0';
    case 'choice':
      return Array.isArray(distribution.values) && distribution.values.length > 0
        ? undefined
        : 'choice([…]) with at least one value';
  }
}

const ordered = ({ low, high }: { low: number; high: number }) => Number.isFinite(high - low) && low < high;
const whole = ({ low, high }: { low: number; high: number }) =>
  Number.isSafeInteger(low) && Number.isSafeInteger(high) && low <= high;
