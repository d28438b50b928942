import { describe, expect, it } from 'vitest';
import { rngFrom } from '../../src/definition/rng.js';
import { Seeds } from '../../src/definition/seeds.js';

const rng = (name = 'default') => new Seeds(42, 0).rng(name);
const draws = <T>(count: number, draw: () => T) => Array.from({ length: count }, draw);
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson's χ² of the counts against equal shares. */
function chiSquared(counts: readonly number[]): number {
  const expected = meanOf(counts);
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** The largest χ² to be expected at 9 degrees of freedom, p = 0.001. */
const LARGEST_CHI_SQUARED_9 = 27.9;

describe('a stream of random numbers', () => {
  it('starts again with every call of the same name, and is another for every other name', () => {
    expect(draws(5, () => rng('a').float())).toEqual(draws(5, () => rng('a').float()));
    const [a, again, b] = [rng('a'), rng('a'), rng('b')];
    expect(draws(100, () => a.float())).toEqual(draws(100, () => again.float()));
    expect(rng('a').float()).not.toBe(b.float());
  });

  it('is a golden value', () => {
    const stream = rng();
    expect([
      stream.float(),
      stream.int(1, 6),
      stream.normal(),
      stream.normal(),
      stream.pick(['a', 'b', 'c']),
    ]).toMatchInlineSnapshot(`
      [
        0.870727301584613,
        6,
        -0.39972615619893537,
        -1.278194227651547,
        "c",
      ]
    `);
    expect(stream.shuffle([1, 2, 3, 4, 5, 6])).toMatchInlineSnapshot(`
      [
        2,
        5,
        1,
        6,
        4,
        3,
      ]
    `);
  });

  it('does not stand still at a digest of zeros', () => {
    const stream = rngFrom(Buffer.alloc(32));
    expect(new Set(draws(100, () => stream.float())).size).toBeGreaterThan(95);
  });
});

describe('float', () => {
  it('is even over [0, 1)', () => {
    const stream = rng();
    const counts: number[] = new Array(10).fill(0);
    for (const value of draws(100_000, () => stream.float())) counts[Math.floor(value * 10)]!++;
    expect(counts).toHaveLength(10);
    expect(chiSquared(counts)).toBeLessThan(LARGEST_CHI_SQUARED_9);
  });

  it('has no correlation with its successor', () => {
    const stream = rng();
    const values = draws(100_000, () => stream.float() - 0.5);
    const products = values.slice(1).map((value, index) => value * values[index]!);
    expect(Math.abs(12 * meanOf(products))).toBeLessThan(0.0127);
  });

  it('can be given another range', () => {
    const stream = rng();
    const values = draws(10_000, () => stream.float(-3, 5));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-3);
    expect(Math.max(...values)).toBeLessThan(5);
    expect(meanOf(values)).toBeCloseTo(1, 0);
  });
});

describe('int', () => {
  it('draws both ends and all between as often', () => {
    const stream = rng();
    const counts: number[] = new Array(10).fill(0);
    for (const value of draws(100_000, () => stream.int(-4, 5))) counts[value + 4]!++;
    expect(counts).toHaveLength(10);
    expect(chiSquared(counts)).toBeLessThan(LARGEST_CHI_SQUARED_9);
  });

  it('reaches across all safe integers', () => {
    const stream = rng();
    const values = draws(1_000, () => stream.int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
    expect(values.every(Number.isSafeInteger)).toBe(true);
    expect(Math.max(...values)).toBeGreaterThan(2 ** 52);
    expect(Math.min(...values)).toBeLessThan(-(2 ** 52));
  });

  it.each([
    [2, 1],
    [0.5, 2],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses (%d, %d)', (low, high) => {
    expect(() => rng().int(low, high)).toThrow(
      new RangeError(`rng.int(${low}, ${high}): expected whole numbers low ≤ high`),
    );
  });
});

describe('normal', () => {
  it('has the first four moments of a normal distribution', () => {
    const stream = rng();
    const values = draws(200_000, () => stream.normal());
    const moment = (power: number) => meanOf(values.map((value) => value ** power));
    // Four standard errors each: their variances are 1/n, 2/n, 15/n and 96/n.
    expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(1 / 200_000));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / 200_000));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / 200_000));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / 200_000));
  });

  it('draws pairs that do not depend on each other', () => {
    const stream = rng();
    const products = draws(100_000, () => stream.normal() * stream.normal());
    expect(Math.abs(meanOf(products))).toBeLessThan(0.0127);
  });

  it('is scaled and moved by mean and standard deviation, in both of a pair', () => {
    const [plain, scaled] = [rng(), rng()];
    expect(draws(4, () => scaled.normal(10, 2))).toEqual(draws(4, () => 10 + 2 * plain.normal()));
  });
});

describe('shuffle', () => {
  it('reaches every order as often', () => {
    const stream = rng();
    const counts = new Map<string, number>();
    for (let i = 0; i < 60_000; i++) {
      const order = stream.shuffle(['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    // χ² at 5 degrees of freedom, p = 0.001.
    expect(chiSquared([...counts.values()])).toBeLessThan(20.5);
  });

  it('works in place and returns the array', () => {
    const values = draws(50, () => 0).map((_, index) => index);
    expect(rng().shuffle(values)).toBe(values);
    expect([...values].sort((a, b) => a - b)).toEqual(values.map((_, index) => index));
    expect(rng().shuffle([])).toEqual([]);
  });
});

describe('pick', () => {
  it('takes every value as often', () => {
    const stream = rng();
    const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const counts: number[] = new Array(10).fill(0);
    for (const value of draws(100_000, () => stream.pick(values))) counts[value]!++;
    expect(chiSquared(counts)).toBeLessThan(LARGEST_CHI_SQUARED_9);
  });

  it('refuses to pick from nothing', () => {
    expect(() => rng().pick([])).toThrow(new RangeError('rng.pick: expected at least one value'));
  });
});
