import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SharedReadings } from '../../src/definition/shared-readings.js';

/** Readings that end when they are told to, each with its number. */
function slowReadings() {
  const shared = new SharedReadings<number>();
  const ends: (() => void)[] = [];
  const read = () => {
    const number = ends.length + 1;
    return new Promise<number>((resolve) => ends.push(() => resolve(number)));
  };
  return { ends, get: (maxAgeMs: number, key = 'a') => shared.get(key, maxAgeMs, read) };
}

test('all who ask while a reading is in progress, or soon after, get the same', async () => {
  const { ends, get } = slowReadings();
  const asked = [get(1_000), get(1_000)];
  ends[0]!();
  expect(await Promise.all([...asked, get(1_000)])).toEqual([1, 1, 1]);
  expect(ends).toHaveLength(1);
});

test('a caller that needs a fresh reading gets one that began afterwards, and shares it', async () => {
  const { ends, get } = slowReadings();
  const first = get(1_000);
  const fresh = [get(0), get(0)];
  ends[0]!();
  expect(await first).toBe(1);
  await expect.poll(() => ends.length).toBe(2);
  const again = get(0);
  ends[1]!();
  expect(await Promise.all(fresh)).toEqual([2, 2]);
  await expect.poll(() => ends.length).toBe(3);
  ends[2]!();
  expect(await again).toBe(3);
});

test('an old reading is read again, and another key is another reading', async () => {
  const { ends, get } = slowReadings();
  const first = get(10);
  const other = get(10, 'b');
  for (const end of ends) end();
  expect(await Promise.all([first, other])).toEqual([1, 2]);
  await sleep(20);
  const later = get(10);
  ends[2]!();
  expect(await later).toBe(3);
});

test('an error reaches all who share the reading, and the next reading is another', async () => {
  const shared = new SharedReadings<string>();
  const failing = () => Promise.reject(new Error('no answer'));
  const asked = [shared.get('a', 1_000, failing), shared.get('a', 1_000, failing)];
  const fresh = shared.get('a', 0, async () => 'answer');
  for (const each of asked) await expect(each).rejects.toThrow('no answer');
  expect(await fresh).toBe('answer');
});
