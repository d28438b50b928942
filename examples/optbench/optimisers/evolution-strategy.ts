import type { Optimiser } from './optimiser.js';

/** As a share of the search box's width. */
const FIRST_DEVIATION = 0.1;
const SMALLEST_DEVIATION = 1e-14;

/**
 * The (1+1) evolution strategy with Rechenberg's one-fifth success rule (1973), in the form of Auger (2009,
 * Benchmarking the (1+1) evolution strategy with one-fifth success rule on the BBOB-2009 function testbed).
 */
export const evolutionStrategy: Optimiser = (objective, start, rng) => {
  const x = start.slice();
  const child = x.slice();
  let value = objective.value(x);
  let deviation = FIRST_DEVIATION * objective.width;
  while (!objective.done && deviation > SMALLEST_DEVIATION * objective.width) {
    for (let i = 0; i < x.length; i++) child[i] = rng.normal(x[i], deviation);
    const childValue = objective.value(child);
    if (childValue <= value) {
      x.set(child);
      value = childValue;
      deviation *= 1.5;
    } else {
      // Four failures undo one success: the deviation stands still where one child in five succeeds.
      deviation *= 1.5 ** (-1 / 4);
    }
  }
};
