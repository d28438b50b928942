import { describe, expect, it } from 'vitest';
import { DefinitionError } from '../../../src/definition/errors.js';
import {
  choice,
  int,
  logInt,
  logUniform,
  normal,
  Random,
  random,
  uniform,
} from '../../../src/definition/params/random.js';
import type { Distribution, ParamSource } from '../../../src/definition/params/source.js';

const casesOf = (source: ParamSource) =>
  Array.from({ length: source.length }, (_, index) => source.at(index));

/** 20,000 draws: means then lie within 4 standard errors, 0.028 standard deviations, of the truth. */
function drawsOf(distribution: Distribution): number[] {
  return casesOf(random({ space: { x: distribution }, trials: 20_000, seed: 5 })).map(({ x }) => Number(x));
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviationOf = (values: readonly number[]) => {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
};

describe('the i-th case of a random search', () => {
  const space = { lr: logUniform(1e-4, 1), units: int(1, 512), kind: choice(['a', 'b', 'c']) };
  const search = random({ space, trials: 20, seed: 1 });

  it('is the same however often and in whatever order it is asked for', () => {
    const backwards = Array.from({ length: 20 }, (_, index) => search.at(19 - index)).reverse();
    expect(backwards).toEqual(casesOf(search));
    expect(casesOf(random({ space, trials: 20, seed: 1 }))).toEqual(casesOf(search));
  });

  it('stays when trials are added', () => {
    expect(casesOf(random({ space, trials: 50, seed: 1 })).slice(0, 20)).toEqual(casesOf(search));
  });

  it('keeps the other params when one is added, removed or moved', () => {
    const wider = random({ space: { decay: uniform(0, 1), ...space }, trials: 20, seed: 1 });
    expect(casesOf(wider).map(({ decay: _, ...rest }) => rest)).toEqual(casesOf(search));
    const { units: _, ...narrower } = space;
    expect(casesOf(random({ space: narrower, trials: 20, seed: 1 })).map(({ lr }) => lr)).toEqual(
      casesOf(search).map(({ lr }) => lr),
    );
  });

  it('changes with the seed', () => {
    const other = casesOf(random({ space, trials: 20, seed: 2 }));
    expect(other.filter((params, index) => params.lr === search.at(index).lr)).toEqual([]);
  });

  it('draws params of one distribution independently of each other', () => {
    const pairs = casesOf(random({ space: { a: uniform(0, 1), b: uniform(0, 1) }, trials: 20_000, seed: 3 }));
    const products = pairs.map(({ a, b }) => (Number(a) - 0.5) * (Number(b) - 0.5));
    expect(Math.abs(meanOf(products) * 12)).toBeLessThan(0.028);
  });

  it('is a golden value', () => {
    expect(search.at(0)).toMatchInlineSnapshot(`
      {
        "kind": "a",
        "lr": 0.0013670560141671173,
        "units": 454,
      }
    `);
    expect(search.at(19)).toMatchInlineSnapshot(`
      {
        "kind": "b",
        "lr": 0.09784627933717588,
        "units": 157,
      }
    `);
    expect(
      random({ space: { x: normal(0, 1), n: logInt(1, 1000), u: uniform(-1, 1) }, trials: 1, seed: 1 }).at(0),
    ).toMatchInlineSnapshot(`
      {
        "n": 140,
        "u": 0.9610013506729627,
        "x": -0.44420128845916396,
      }
    `);
  });

  it('has plain values of the space as they are', () => {
    const params = random({
      space: { fixed: 3, net: { layers: [1, 2] }, x: uniform(0, 1) },
      trials: 2,
      seed: 1,
    }).at(1);
    expect(params).toMatchObject({ fixed: 3, net: { layers: [1, 2] } });
  });

  it('does not exist outside 0 … trials - 1', () => {
    expect(() => search.at(20)).toThrow(RangeError);
    expect(() => search.at(-1)).toThrow(RangeError);
  });
});

describe('distributions', () => {
  it('uniform covers its range evenly', () => {
    const draws = drawsOf(uniform(-2, 4));
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...draws)).toBeLessThan(4);
    expect(meanOf(draws)).toBeCloseTo(1, 1);
    expect(deviationOf(draws)).toBeCloseTo(6 / Math.sqrt(12), 1);
  });

  it('logUniform has an even logarithm', () => {
    const draws = drawsOf(logUniform(1e-4, 1e2));
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...draws)).toBeLessThan(1e2);
    const logarithms = draws.map(Math.log10);
    expect(meanOf(logarithms)).toBeCloseTo(-1, 1);
    expect(deviationOf(logarithms)).toBeCloseTo(6 / Math.sqrt(12), 1);
  });

  it('int draws every whole number of its range as often, both ends too', () => {
    const draws = drawsOf(int(-1, 2));
    const counts = [-1, 0, 1, 2].map((value) => draws.filter((draw) => draw === value).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(20_000);
    for (const count of counts) expect(Math.abs(count - 5_000)).toBeLessThan(250);
  });

  it('logInt draws every power of two about as often', () => {
    const draws = drawsOf(logInt(1, 255));
    expect(draws.every(Number.isInteger)).toBe(true);
    expect([Math.min(...draws), Math.max(...draws)]).toEqual([1, 255]);
    const counts = [1, 2, 4, 8, 16, 32, 64, 128].map(
      (power) => draws.filter((draw) => draw >= power && draw < 2 * power).length,
    );
    for (const count of counts) expect(Math.abs(count - 2_500)).toBeLessThan(200);
  });

  it('normal has its mean and standard deviation, and 4.6 % beyond two of them', () => {
    const draws = drawsOf(normal(10, 3));
    expect(meanOf(draws)).toBeCloseTo(10, 0);
    expect(deviationOf(draws) / 3).toBeCloseTo(1, 1);
    const beyond = draws.filter((draw) => Math.abs(draw - 10) > 6).length / draws.length;
    expect(beyond).toBeCloseTo(0.0455, 2);
  });

  it('choice takes every value as often, of any JSON type', () => {
    const values = ['a', null, { layers: [8, 8] }];
    const draws = casesOf(random({ space: { x: choice(values) }, trials: 9_000, seed: 5 })).map(({ x }) => x);
    for (const value of values) {
      const count = draws.filter((draw) => JSON.stringify(draw) === JSON.stringify(value)).length;
      expect(Math.abs(count - 3_000)).toBeLessThan(200);
    }
  });

  it.each([
    ['uniform', uniform],
    ['logUniform', logUniform],
  ])('%s stays within a range as narrow as rounding', (_, distribution) => {
    const [low, high] = [3, 3 + 2 * Number.EPSILON];
    const draws = drawsOf(distribution(low, high));
    expect(new Set(draws)).toEqual(new Set([low]));
  });

  it('whole numbers of one value are that value', () => {
    expect(new Set(drawsOf(int(7, 7)))).toEqual(new Set([7]));
    expect(new Set(drawsOf(logInt(7, 7)))).toEqual(new Set([7]));
  });
});

describe('trials that repeat an earlier one', () => {
  it('are left out, and the others keep their params', () => {
    const spec = { kind: 'random', space: { x: uniform(0, 1) }, trials: 10, seed: 1 } as const;
    const all = casesOf(new Random(spec));
    for (const collapsed of [[], [0], [9], [3, 4, 5], [0, 2, 9], [1, 3, 5, 7, 8, 9]]) {
      const source = new Random({ ...spec, collapsed });
      expect(source.length).toBe(10 - collapsed.length);
      expect(casesOf(source)).toEqual(all.filter((_, trial) => !collapsed.includes(trial)));
    }
  });
});

describe('a random search that can not be drawn', () => {
  it('names every distribution, what it got and what it expects', () => {
    const space = {
      a: uniform(2, 1),
      b: logUniform(0, 1),
      c: int(0.5, 2),
      d: logInt(0, 8),
      e: normal(0, -1),
      f: choice([]),
      g: uniform(-1e308, 1e308),
      fine: uniform(0, 1),
    };
    const attempt = () => random({ space, trials: 1.5, seed: Number.NaN });
    expect(attempt).toThrow(DefinitionError);
    let caught: unknown;
    try {
      attempt();
    } catch (error) {
      caught = error;
    }
    const { problems } = caught as DefinitionError;
    expect(problems.map(({ where }) => where)).toEqual([
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((param) => `random space '${param}'`),
      'random',
      'random',
    ]);
    expect(problems[1]).toEqual({
      where: "random space 'b'",
      what: 'got {"dist":"logUniform","low":0,"high":1}',
      expected: 'logUniform(low, high) with 0 < low < high',
    });
    expect(problems[7]?.what).toBe('trials is 1.5');
    expect(problems[8]?.what).toBe('seed is NaN');
  });

  it('refuses a list in its space, which may be meant as a choice or as one value, and says how to write both', () => {
    expect(() => random({ space: { layers: [1, 2, 3] }, trials: 5, seed: 1 })).toThrow(
      /random space 'layers': is the list \[1,2,3\][\s\S]*choice\(\[1,2,3\]\)[\s\S]*choice\(\[\[1,2,3\]\]\)/,
    );
    const space = { layers: choice([1, 2, 3]), whole: choice([[1, 2, 3]]) };
    expect(random({ space, trials: 5, seed: 1 }).at(0)).toEqual({
      layers: expect.any(Number),
      whole: [1, 2, 3],
    });
  });

  it('refuses distributions that are mistyped, or were given more than they take', () => {
    const space = {
      a: (int as (...given: number[]) => never)(1, 10, 2),
      b: { dist: 'unifrom', low: 0, high: 1 },
      c: { dist: 'uniform', low: 0, high: 1, log: true },
    };
    expect(() => random({ space, trials: 5, seed: 1 })).toThrow(
      /3 problems[\s\S]*'a': got 2 too[\s\S]*int\(low, high\) and nothing more[\s\S]*'b': there is no distribution 'unifrom'[\s\S]*did you mean uniform\?[\s\S]*'c': got 'log' too/,
    );
  });
});
