import { describe, expect, it } from 'vitest';
import { DigestCounter, mergeDigests } from '../../src/definition/run-digest.js';

const least = { metric: 'loss', direction: 'min' } as const;

function digestOf(losses: readonly (number | string | undefined)[], from = 0, objective = least) {
  const counter = new DigestCounter(objective);
  for (const [i, loss] of losses.entries())
    counter.add(from + i, 'success', loss === undefined ? {} : { loss }, null);
  return counter.toDigest();
}

function failures(...messages: readonly string[]) {
  const counter = new DigestCounter(undefined);
  for (const message of messages) counter.add(0, 'failed', undefined, { type: 'Error', message });
  return counter.toDigest();
}

describe('the best run', () => {
  it('is the least or the greatest, never NaN, a text or one without the metric, and the first of equal ones', () => {
    expect(digestOf([Number.NaN, 3, 1, undefined, 1, 'low']).best).toEqual({
      value: 1,
      index: 2,
      direction: 'min',
    });
    expect(digestOf([Number.NaN]).best).toBeUndefined();
    const most = { metric: 'loss', direction: 'max' } as unknown as typeof least;
    expect(digestOf([3, Number.NaN, 5, 5], 0, most).best).toMatchObject({ value: 5, index: 2 });
  });

  it('is the same in whatever order chunks report', () => {
    const [a, b] = [digestOf([2, 1], 0), digestOf([1, 4], 10)];
    expect(mergeDigests(a, b)).toEqual(mergeDigests(b, a));
    expect(mergeDigests(a, b).best).toMatchObject({ value: 1, index: 1 });
  });

  it('is none that failed', () => {
    const counter = new DigestCounter(least);
    counter.add(0, 'failed', { loss: 0 }, { type: 'Error', message: 'late' });
    expect(counter.toDigest().best).toBeUndefined();
  });
});

describe('what runs failed with', () => {
  it('is one error where messages differ in numbers only, and none where they differ otherwise', () => {
    const same = mergeDigests(failures('x is 1', 'x is 2.5'), failures('x is 30'));
    expect(same.error).toEqual({ message: 'Error: x is 1', count: 3 });
    expect(mergeDigests(same, failures('y is 1')).error).toEqual({ message: null, count: 4 });
  });
});
