import { expect, test } from 'vitest';
import { derive } from '../../src/definition/derivation.js';
import { DefinitionError } from '../../src/definition/errors.js';
import { Derivations } from '../../src/operation/derivations.js';
import { Run, type RunFiles } from '../../src/operation/recorded-run.js';
import { recordOf } from '../support/records.js';

const RUN = new Run({} as RunFiles, recordOf({ metrics: { loss: 4 } }));

async function resultOf(compute: unknown, { limitMs = 5_000 } = {}) {
  const derivations = new Derivations({ gap: derive(compute as Parameters<typeof derive>[0]) });
  const [result] = (await derivations.compute(RUN, ['gap'], { limitMs }))!;
  return result;
}

test('metrics are numbers, texts and booleans, computed now or later, under any name', async () => {
  const values = { n: 1, nan: Number.NaN, inf: Number.POSITIVE_INFINITY, text: 'a', ok: true, 'a "b"\n': 2 };
  expect(await resultOf(() => values)).toEqual({ derivation: 'gap', values });
  expect(await resultOf(async (run: Run) => ({ twice: 2 * Number(run.metrics.loss) }))).toEqual({
    derivation: 'gap',
    values: { twice: 8 },
  });
  expect(await resultOf(() => ({}))).toEqual({ derivation: 'gap', values: {} });
  const proto = (await resultOf(() => JSON.parse('{"__proto__": 3}'))) as { values: object };
  expect(Object.entries(proto.values)).toEqual([['__proto__', 3]]);
});

test.each([
  ['returned "abc": expected an object of metrics, e.g. { gap: 0.5 }', () => 'abc'],
  ['returned 0.5: expected an object of metrics', () => 0.5],
  ['returned nothing: expected an object of metrics', () => {}],
  ['returned [1]: expected an object of metrics', () => [1]],
  ["'x' is a promise: await it", () => ({ x: Promise.resolve(1) })],
  ["'x' is null: expected a number, a string or a boolean", () => ({ x: null })],
  ["'x' is [1]: expected a number, a string or a boolean", () => ({ x: [1] })],
  ["'x' is nothing", () => ({ x: undefined })],
  [
    'its names and texts have more than 1048576 characters: a derived metric is a number or a short text',
    () => ({ x: 'x'.repeat(600_000), y: 'y'.repeat(600_000) }),
  ],
  ['returned a metric whose name is empty', () => ({ '': 1 })],
  [
    'too bad',
    () => {
      throw new Error('too bad');
    },
  ],
  ['too late', () => Promise.reject(new RangeError('too late'))],
  ['took longer than 0.05 s', () => new Promise(() => {})],
])('an error: %s', async (message, compute) => {
  const result = await resultOf(compute, { limitMs: 50 });
  expect(result).toMatchObject({ error: { message: expect.stringContaining(message) } });
});

test('what is thrown may be anything', async () => {
  const thrown = Object.defineProperty({}, 'message', {
    get() {
      throw new Error('no');
    },
  });
  for (const each of [undefined, null, 'text', thrown])
    expect(
      await resultOf(() => {
        throw each;
      }),
    ).toHaveProperty('error');
});

test('a metric belongs to one derivation: another one must choose another name', async () => {
  const derivations = new Derivations(
    { a: derive(() => ({ x: 1, y: 1 })), b: derive(() => ({ y: 2 })), c: derive(() => ({ known: 3 })) },
    [['known', 'd']],
  );
  for (let run = 0; run < 2; run++) {
    const results = await derivations.compute(RUN, ['a', 'b', 'c'], { limitMs: 1000 });
    expect(results).toMatchObject([
      { derivation: 'a', values: { x: 1, y: 1 } },
      {
        derivation: 'b',
        error: { message: "'y' is a metric of the derivation 'a' already: choose another name" },
      },
      {
        derivation: 'c',
        error: { message: "'known' is a metric of the derivation 'd' already: choose another name" },
      },
    ]);
  }
});

test('a signal ends waiting, without a result', async () => {
  const ended = new AbortController();
  const derivations = new Derivations({ slow: derive(() => new Promise(() => {})) });
  const computed = derivations.compute(RUN, ['slow'], { limitMs: 60_000, signal: ended.signal });
  ended.abort();
  expect(await computed).toBeUndefined();
});

test('derive takes a function', () => {
  expect(() => derive({ gap: 1 } as never)).toThrow(DefinitionError);
  expect(() => derive(undefined as never)).toThrow('got nothing');
});
