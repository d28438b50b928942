import {
  CanonicalError,
  collectCanonicalProblems,
  hasLoneSurrogate,
  MAX_DEPTH,
  toPlainJson,
} from './plain-json.js';

export { CanonicalError, collectCanonicalProblems, toPlainJson } from './plain-json.js';

/**
 * A value's canonical JSON (RFC 8785): keys sorted by UTF-16 code units, numbers as ECMAScript writes them, no white
 * space. -0 is 0. An object with a `fingerprint()` method is replaced by its result.
 *
 * @param path how the value is called in errors, e.g. `params`
 * @throws CanonicalError naming the path of what is not plain JSON, and what to write instead
 */
export function canonicalJson(value: unknown, path = '$'): string {
  const text = write(value, 0);
  if (text !== undefined) return text;
  // Paths and `fingerprint()` methods are handled only here. The fast path above is for a million params.
  const plain = write(toPlainJson(value, path), 0);
  if (plain === undefined) throw new CanonicalError(collectCanonicalProblems(value, path));
  return plain;
}

/** @returns undefined if the value is not plain JSON without changes */
function write(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return Number.isFinite(value) ? `${value}` : undefined;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth > MAX_DEPTH) return undefined;
      return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
    default:
      return undefined;
  }
}

function writeArray(value: readonly unknown[], depth: number): string | undefined {
  if (Object.getPrototypeOf(value) !== Array.prototype || 'fingerprint' in value) return undefined;
  if (value.length > FLATTENED_ITEMS) return writeLongArray(value, depth);
  let text = '[';
  for (let index = 0; index < value.length; index++) {
    const item = write(value[index], depth + 1);
    if (item === undefined) return undefined;
    text += index === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

/**
 * This many items are joined into one flat string, because V8 keeps concatenated strings as a tree: 130 MB for a
 * million cases.
 */
const FLATTENED_ITEMS = 256;

function writeLongArray(value: readonly unknown[], depth: number): string | undefined {
  const pieces: string[] = [];
  for (let from = 0; from < value.length; from += FLATTENED_ITEMS) {
    const items: string[] = [];
    for (let index = from; index < Math.min(value.length, from + FLATTENED_ITEMS); index++) {
      const item = write(value[index], depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    pieces.push(items.join(','));
  }
  return `[${pieces.join(',')}]`;
}

function writeObject(value: object, depth: number): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
  const record = value as { readonly [key: string]: unknown };
  const keys = sorted(Object.keys(record));
  let text = '{';
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!;
    const name = quote(key);
    const item = write(record[key], depth + 1);
    if (name === undefined || item === undefined) return undefined;
    text += index === 0 ? `${name}:${item}` : `,${name}:${item}`;
  }
  return `${text}}`;
}

/** Sorts in place. Most objects are sorted already, and checking takes a seventh of the time of sorting. */
function sorted(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index++) {
    if (keys[index - 1]! > keys[index]!) return keys.sort();
  }
  return keys;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes.
const NEEDS_CARE = /[\u0000-\u001f"\\\ud800-\udfff]/;

function quote(text: string): string | undefined {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  return hasLoneSurrogate(text) ? undefined : JSON.stringify(text);
}
