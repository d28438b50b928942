import type { Rng } from 'metalab';

/**
 * Deals the rows at random into a training and a test set.
 *
 * @param testFraction the share of the rows that go into the test set, between 0 and 1
 */
export function split<Row>(
  rows: readonly Row[],
  testFraction: number,
  rng: Rng,
): { train: Row[]; test: Row[] } {
  const shuffled = rng.shuffle([...rows]);
  const held = Math.round(testFraction * rows.length);
  return { train: shuffled.slice(held), test: shuffled.slice(0, held) };
}
