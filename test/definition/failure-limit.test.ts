import { describe, expect, it } from 'vitest';
import { failuresLeft, isReached, parseFailureLimit } from '../../src/definition/failure-limit.js';

it('a limit is a number of runs or a percentage', () => {
  expect([10, '10', '20%', '2.5%', '100%'].map(parseFailureLimit)).toEqual([10, 10, '20%', '2.5%', '100%']);
  for (const wrong of [0, -1, 1.5, '0', '0%', '101%', '5 %', 'many', null, {}, Number.NaN])
    expect(parseFailureLimit(wrong)).toBeUndefined();
});

describe('a percentage', () => {
  it('counts once 20 runs are done', () => {
    expect(isReached('20%', { failed: 19, done: 19 })).toBe(false);
    expect(isReached('20%', { failed: 4, done: 20 })).toBe(true);
    expect(isReached('20%', { failed: 4, done: 21 })).toBe(false);
    expect(isReached('100%', { failed: 20, done: 20 })).toBe(true);
  });
});

it.each([3, '20%', '50%', '100%'] as const)(
  'after the failures that are left, and not before, %s is reached',
  (limit) => {
    for (const [failed, done] of [
      [0, 0],
      [1, 30],
      [2, 10],
      [7, 80],
    ] as const) {
      const left = failuresLeft(limit, { failed, done });
      if (isReached(limit, { failed, done }) || left === Infinity) continue;
      expect(isReached(limit, { failed: failed + left, done: done + left })).toBe(true);
      if (left > 1)
        expect(isReached(limit, { failed: failed + left - 1, done: done + left - 1 })).toBe(false);
    }
  },
);
