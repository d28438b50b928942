import { expect, test } from 'vitest';
import { lookInterval } from '../../../src/client/status/look-interval.js';

test('what has taken longer is looked at less often, within limits', () => {
  const looks = { share: 0.02, minMs: 15, maxMs: 250 };
  expect([0, 700, 1_000, 10_000, 3_600_000].map((elapsed) => lookInterval(elapsed, looks))).toEqual([
    15, 15, 20, 200, 250,
  ]);
});
