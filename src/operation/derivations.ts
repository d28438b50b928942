import { setTimeout as sleep } from 'node:timers/promises';
import type { Derivation, DerivedMetrics, DerivedResult, RecordedRun } from '../definition/derivation.js';
import { describeError, type ErrorDescription, UsageError } from '../definition/errors.js';
import { isMetricValue } from '../definition/record.js';
import { formatValue } from '../definition/refuse.js';
import { isThenable } from '../definition/type-guards.js';

export interface DeriveOptions {
  /** How long a derivation may take, milliseconds. */
  readonly limitMs: number;
  /** Ends waiting for a derivation. */
  readonly signal?: AbortSignal;
}

/** Of all names and texts that a derivation gives a run: every question about derived metrics reads them. */
const MAX_CHARACTERS = 1 << 20;

/** Derivations by name, and which of them has which metric. */
export class Derivations {
  readonly #derivations: { readonly [name: string]: Derivation };
  /** The derivation of each metric. */
  readonly #owners: Map<string, string>;

  /** @param owners the derivation of each metric that is known already */
  constructor(
    derivations: { readonly [name: string]: Derivation },
    owners: Iterable<readonly [string, string]> = [],
  ) {
    this.#derivations = derivations;
    this.#owners = new Map(owners);
  }

  /** The derivation of each metric that is known. */
  get owners(): ReadonlyMap<string, string> {
    return this.#owners;
  }

  /**
   * @param names of the derivations to compute
   * @returns a result for each; undefined if the signal ended it
   */
  async compute(
    run: RecordedRun,
    names: readonly string[],
    options: DeriveOptions,
  ): Promise<DerivedResult[] | undefined> {
    const results: DerivedResult[] = [];
    for (const derivation of names) {
      try {
        let returned = this.#derivations[derivation]!.compute(run);
        if (isThenable(returned)) returned = await within(returned, options);
        if (options.signal?.aborted) return undefined;
        results.push({ derivation, values: this.#check(derivation, returned) });
      } catch (thrown) {
        if (options.signal?.aborted) return undefined;
        results.push({ derivation, error: describe(thrown) });
      }
    }
    return results;
  }

  #check(derivation: string, returned: unknown): DerivedMetrics {
    if (typeof returned !== 'object' || returned === null || Array.isArray(returned))
      throw new TypeError(
        `returned ${formatValue(returned)}: expected an object of metrics, e.g. { ${derivation}: 0.5 }`,
      );
    const values: [string, DerivedMetrics[string]][] = [];
    let characters = 0;
    for (const [name, value] of Object.entries(returned)) {
      if (name === '') throw new TypeError('returned a metric whose name is empty');
      if (isThenable(value)) throw new TypeError(`'${name}' is a promise: await it`);
      if (!isMetricValue(value))
        throw new TypeError(`'${name}' is ${formatValue(value)}: expected a number, a string or a boolean`);
      characters += name.length + (typeof value === 'string' ? value.length : 0);
      if (characters > MAX_CHARACTERS)
        throw new RangeError(
          `its names and texts have more than ${MAX_CHARACTERS} characters: a derived metric is a number or a short text`,
        );
      const owner = this.#owners.get(name) ?? derivation;
      if (owner !== derivation)
        throw new Error(`'${name}' is a metric of the derivation '${owner}' already: choose another name`);
      this.#owners.set(name, derivation);
      values.push([name.toWellFormed(), value]);
    }
    return Object.fromEntries(values);
  }
}

function describe(thrown: unknown): ErrorDescription {
  try {
    const { type, message } = describeError(thrown);
    if (!(thrown instanceof UsageError)) return cutMessage(type, message);
    // Which run it is, is known beside the message: with it, no two runs would fail alike.
    const { what, expected, next } = thrown;
    const parts = [what, ...(expected ? [`expected: ${expected}`] : []), ...(next ? [next] : [])];
    return cutMessage(type, parts.join('; '));
  } catch {
    return { type: typeof thrown, message: 'the derivation threw a value that can’t be described' };
  }
}

const cutMessage = (type: string, message: string) => ({ type, message: message.slice(0, MAX_CHARACTERS) });

async function within(promise: PromiseLike<unknown>, { limitMs, signal }: DeriveOptions): Promise<unknown> {
  const ended = new AbortController();
  const end = () => ended.abort();
  signal?.addEventListener('abort', end);
  try {
    const late = sleep(limitMs, undefined, { signal: ended.signal }).then(() => {
      throw new Error(`took longer than ${limitMs / 1000} s`);
    });
    return await Promise.race([promise, late]);
  } finally {
    signal?.removeEventListener('abort', end);
    ended.abort();
  }
}
