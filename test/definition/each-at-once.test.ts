import { expect, it } from 'vitest';
import { eachAtOnce } from '../../src/definition/each-at-once.js';

it('acts on every item once, and on no more than so many at the same time', async () => {
  const items = Array.from({ length: 20 }, (_, at) => at);
  const seen: [number, number][] = [];
  let now = 0;
  let most = 0;
  await eachAtOnce(items, 3, async (item, index) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    seen.push([item, index]);
    now--;
  });
  expect(seen.sort(([a], [b]) => a - b)).toEqual(items.map((item) => [item, item]));
  expect(most).toBe(3);
  await eachAtOnce([], 3, () => Promise.reject(new Error('there is none')));
});

it('begins nothing after an error, or after it was ended', async () => {
  const begun: number[] = [];
  const failing = eachAtOnce([0, 1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item);
    await new Promise(setImmediate);
    if (item === 1) throw new Error('full');
  });
  await expect(failing).rejects.toThrow('full');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(begun.length).toBeLessThan(5);

  const ended = new AbortController();
  const done: number[] = [];
  const act = async (item: number) => {
    done.push(item);
    ended.abort();
  };
  await eachAtOnce([0, 1, 2, 3], 1, act, ended.signal);
  expect(done).toEqual([0]);
});
