import { expect, test } from 'vitest';
import { Rate } from '../../src/cli/progress/rate.js';

test('a rate is known where runs take longer than its window, and soon follows one that changes', () => {
  const rate = new Rate();
  for (let at = 0; at <= 59_800; at += 200) rate.add(at, Math.floor(at / 30_000));
  // One run in 59.8 s so far: it was unknown from the tenth second after each run on.
  expect(rate.perSecond).toBeCloseTo(1 / 59.8, 4);
  for (let at = 60_000; at <= 90_000; at += 200) rate.add(at, 1 + (at - 59_800) / 100);
  expect(rate.perSecond).toBeCloseTo(10, 0);
});
