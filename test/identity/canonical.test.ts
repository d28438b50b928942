import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  CanonicalError,
  canonicalJson,
  collectCanonicalProblems,
  toPlainJson,
} from '../../src/identity/canonical.js';

class Point {
  readonly x = 1;
}
class Model {
  readonly #layers = [8, 2];
  fingerprint() {
    return { layers: this.#layers };
  }
}
const cycle: Record<string, unknown> = {};
cycle.self = { again: cycle };

const REFUSED: readonly [name: string, value: unknown, path: string, instead: RegExp][] = [
  ['NaN', { a: [0, 1, 2, { b: Number.NaN }] }, 'params.a[3].b', /null/],
  ['an infinity', { a: -Infinity }, 'params.a', /'-Infinity'/],
  ['undefined', undefined, 'params', /null/],
  ['undefined as a property', { a: 1, b: undefined }, 'params.b', /leave the key out/],
  ['undefined in an array', [undefined], 'params[0]', /null/],
  ['a function', { a: () => 1 }, 'params.a', /a name/],
  ['a symbol', { a: Symbol('s') }, 'params.a', /a string/],
  ['a symbol as key', { [Symbol('s')]: 1 }, 'params[Symbol(s)]', /a string as key/],
  ['a BigInt', { a: 10n }, 'params.a', /'10'/],
  ['a Map', { a: new Map() }, 'params.a', /Object.fromEntries/],
  ['a Set', { a: new Set() }, 'params.a', /\[\.\.\.set\]/],
  ['a Date', { a: new Date(0) }, 'params.a', /toISOString/],
  ['a typed array', { a: new Float64Array(2) }, 'params.a', /Array.from/],
  ['bytes', { a: Buffer.from('a') }, 'params.a', /Array.from/],
  ['a class instance', { a: new Point() }, 'params.a', /fingerprint\(\)/],
  ['a boxed number', { a: Object(1) }, 'params.a', /valueOf/],
  ['a regular expression', { a: /a/ }, 'params.a', /fingerprint\(\)/],
  ['a cycle', cycle, 'params.self.again', /without cycles/],
  ['a hole in an array', { a: Object.assign(new Array(2), { 0: 1 }) }, 'params.a[1]', /null/],
  ['half of a surrogate pair', { a: '\ud83d' }, 'params.a', /Unicode/],
  ['half of a surrogate pair in a key', { '\ud83d': 1 }, 'params["\\ud83d"]', /Unicode/],
  ['a key that is no identifier', { 'a b': { 'c-d': Number.NaN } }, 'params["a b"]["c-d"]', /null/],
];

describe('canonical JSON', () => {
  it.each(REFUSED)(
    'refuses %s, naming the place and what to write instead',
    (_name, value, path, instead) => {
      const error = catchError(() => canonicalJson(value, 'params'));
      expect(error).toBeInstanceOf(CanonicalError);
      expect(error).toMatchObject({ where: path, code: 'METALAB_CANONICAL_JSON' });
      expect((error as CanonicalError).next).toMatch(instead);
      expect(() => toPlainJson(value, 'params')).toThrow(CanonicalError);
    },
  );

  it('refuses what is nested too deeply rather than exhausting the stack', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow(/deeper than 500 levels/);
    let fine: unknown = 1;
    for (let level = 0; level < 500; level++) fine = [fine];
    expect(canonicalJson(fine)).toBe(`${'['.repeat(500)}1${']'.repeat(500)}`);
  });

  it('writes the same value that occurs twice, for that is no cycle', () => {
    const shared = { x: 1 };
    expect(canonicalJson({ a: shared, b: [shared, shared] })).toBe('{"a":{"x":1},"b":[{"x":1},{"x":1}]}');
  });

  it('does not depend on the order in which keys were added', () => {
    expect(canonicalJson({ b: 1, a: 2, 10: 3, 9: 4 })).toBe('{"10":3,"9":4,"a":2,"b":1}');
  });

  it('takes objects without a prototype, and those of another realm', () => {
    expect(canonicalJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
    expect(canonicalJson(runInNewContext('({ b: [1, { c: 2 }], a: 1 })'))).toBe('{"a":1,"b":[1,{"c":2}]}');
  });

  it('counts an object with a fingerprint method as what that returns', () => {
    expect(canonicalJson({ model: new Model() })).toBe('{"model":{"layers":[8,2]}}');
    const nested = { fingerprint: () => ({ inner: new Model() }) };
    expect(canonicalJson([nested])).toBe('[{"inner":{"layers":[8,2]}}]');
    expect(toPlainJson({ model: new Model() })).toEqual({ model: { layers: [8, 2] } });
  });

  it('names the place within what a fingerprint method returns', () => {
    const bad = { fingerprint: () => ({ x: Number.NaN }) };
    expect(catchError(() => canonicalJson({ bad }, 'params'))).toMatchObject({
      where: 'params.bad.fingerprint().x',
    });
    const endless: { fingerprint(): unknown } = { fingerprint: () => endless };
    expect(() => canonicalJson(endless)).toThrow(/contains itself/);
  });
});

describe('collectCanonicalProblems', () => {
  it('finds every refusal of a value at once, in order', () => {
    const problems = collectCanonicalProblems({ a: Number.NaN, b: [new Map(), 1n], c: 'fine' }, 'params');
    expect(problems.map(({ where }) => where)).toEqual(['params.a', 'params.b[0]', 'params.b[1]']);
  });

  it('finds nothing in plain JSON', () => {
    expect(collectCanonicalProblems({ a: [1, 'x', null, true, { b: {} }] })).toEqual([]);
  });
});

describe('toPlainJson', () => {
  it('copies: what is changed later does not show, and -0 is 0', () => {
    const value = { a: [-0], ['__proto__']: 1 };
    const copy = toPlainJson(value) as { a: number[] };
    value.a.push(1);
    expect(Object.is(copy.a[0], 0)).toBe(true);
    expect(JSON.stringify(copy)).toBe('{"a":[0],"__proto__":1}');
  });
});

function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}
