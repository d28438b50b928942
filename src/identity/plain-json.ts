import { MetalabError, type Problem } from '../definition/errors.js';
import type { JsonValue } from '../definition/json.js';

/** Thrown when a value has no canonical JSON. `where` is the path of the first rejected value. */
export class CanonicalError extends MetalabError {
  override readonly name = 'CanonicalError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const [first] = problems;
    if (!first) throw new RangeError('CanonicalError: expected at least one problem');
    const others = problems.length - 1;
    super({
      code: 'METALAB_CANONICAL_JSON',
      ...first,
      what: others === 0 ? first.what : `${first.what} (and ${others} more such values)`,
    });
    this.problems = problems;
  }
}

/** Deeper values are rejected, because a recursive writer would exhaust the stack. */
export const MAX_DEPTH = 500;

/**
 * A plain copy of a value, with objects that have a `fingerprint()` method replaced by what it returns.
 *
 * @param path how the value is called in errors, e.g. `params`
 * @throws CanonicalError naming the path of what is not plain JSON
 */
export function toPlainJson(value: unknown, path = '$'): JsonValue {
  const problems: Problem[] = [];
  const copy = new PlainCopy(problems).of(value, path);
  if (problems.length > 0) throw new CanonicalError(problems);
  return copy;
}

/** Everything in a value that canonical JSON rejects, in the order of its keys; empty if it is plain JSON. */
export function collectCanonicalProblems(value: unknown, path = '$'): Problem[] {
  const problems: Problem[] = [];
  new PlainCopy(problems).of(value, path);
  return problems;
}

/** Whether a text has a surrogate without its pair: it can't be written as UTF-8, so hashes of it would collide. */
export const hasLoneSurrogate = (text: string) => /\p{Surrogate}/u.test(text);

const EXPECTED = 'plain JSON: null, booleans, finite numbers, strings, arrays and plain objects of them';

class PlainCopy {
  readonly #problems: Problem[];
  readonly #ancestors = new Set<object>();

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  of(value: unknown, path: string): JsonValue {
    switch (typeof value) {
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value)) return value === 0 ? 0 : value;
        return this.#refuse(path, `is ${value}`, `null, or a string such as '${value}'`);
      case 'string':
        if (!hasLoneSurrogate(value)) return value;
        return this.#refuse(path, 'is a string with half of a surrogate pair', 'text that is valid Unicode');
      case 'undefined':
        return this.#refuse(path, 'is undefined', 'null, or leave the key out');
      case 'bigint':
        return this.#refuse(path, `is a BigInt (${value}n)`, `a number, or the string '${value}'`);
      case 'symbol':
        return this.#refuse(path, `is a symbol (${String(value)})`, 'a string');
      case 'function':
        if (optsIn(value)) return this.#optedIn(value, path);
        return this.#refuse(
          path,
          `is a function (${value.name || 'anonymous'})`,
          'a name, to be looked up in the operation',
        );
      case 'object':
        return value === null ? null : this.#ofObject(value, path);
    }
  }

  #ofObject(value: object, path: string): JsonValue {
    if (this.#ancestors.has(value)) return this.#refuse(path, 'contains itself', 'a value without cycles');
    if (this.#ancestors.size >= MAX_DEPTH) {
      return this.#refuse(
        path,
        `is nested deeper than ${MAX_DEPTH} levels`,
        'flatter data, or a file() in the context',
      );
    }
    this.#ancestors.add(value);
    try {
      if (optsIn(value)) return this.#optedIn(value, path);
      if (Array.isArray(value) && isPlainArray(value)) return this.#ofArray(value, path);
      if (isPlainObject(value)) return this.#ofRecord(value, path);
      const { what, instead } = describeInstance(value);
      return this.#refuse(path, `is ${what}`, instead);
    } finally {
      this.#ancestors.delete(value);
    }
  }

  #optedIn(value: OptedIn, path: string): JsonValue {
    return this.of(value.fingerprint(), `${path}.fingerprint()`);
  }

  #ofArray(value: readonly unknown[], path: string): JsonValue {
    const copy: JsonValue[] = [];
    for (let index = 0; index < value.length; index++) {
      if (index in value) copy.push(this.of(value[index], `${path}[${index}]`));
      else copy.push(this.#refuse(`${path}[${index}]`, 'is a hole of a sparse array', 'null'));
    }
    return copy;
  }

  #ofRecord(value: object, path: string): JsonValue {
    for (const symbol of Object.getOwnPropertySymbols(value)) {
      this.#refuse(`${path}[${String(symbol)}]`, 'has a symbol as its key', 'a string as key');
    }
    const entries = Object.entries(value).map(([key, item]): [string, JsonValue] => {
      const place = `${path}${keyPath(key)}`;
      if (hasLoneSurrogate(key))
        this.#refuse(place, 'has a key with half of a surrogate pair', 'text that is valid Unicode');
      return [key, this.of(item, place)];
    });
    // Unlike assignment, this treats `__proto__` like any other key.
    return Object.fromEntries(entries);
  }

  #refuse(where: string, what: string, instead: string): null {
    this.#problems.push({ where, what, expected: EXPECTED, next: `write ${instead}` });
    return null;
  }
}

interface OptedIn {
  fingerprint(): unknown;
}

const optsIn = (value: object): value is OptedIn =>
  typeof (value as Partial<OptedIn>).fingerprint === 'function';

const keyPath = (key: string) =>
  /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;

/** Objects of another realm (a vm context, vitest) have another Object.prototype, so the length of the prototype chain is checked. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

const isPlainArray = (value: readonly unknown[]) => {
  const prototype = Object.getPrototypeOf(value) as object;
  return (
    prototype === Array.prototype || (Array.isArray(prototype) && Object.hasOwn(prototype, 'copyWithin'))
  );
};

function describeInstance(value: object): { readonly what: string; readonly instead: string } {
  if (value instanceof Date) return { what: 'a Date', instead: 'date.toISOString()' };
  if (value instanceof Map)
    return { what: 'a Map', instead: 'Object.fromEntries(map), or an array of its entries' };
  if (value instanceof Set) return { what: 'a Set', instead: '[...set].sort()' };
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return {
      what: `a ${nameOf(value)}`,
      instead: 'Array.from(values), or put it into a file() of the context',
    };
  }
  if (value instanceof ArrayBuffer) return { what: 'an ArrayBuffer', instead: 'a file() in the context' };
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return { what: `a ${nameOf(value)} object`, instead: 'the primitive: value.valueOf()' };
  }
  return {
    what: `an instance of ${nameOf(value)}`,
    instead: 'a plain object, or give its class a fingerprint() method that returns one',
  };
}

const nameOf = (value: object) => (value.constructor as { name?: string } | undefined)?.name || 'a class';
