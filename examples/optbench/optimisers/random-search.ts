import type { Optimiser } from './optimiser.js';

/** Points drawn evenly from the search box: what every other optimiser has to beat. */
export const randomSearch: Optimiser = (objective, start, rng) => {
  const x = start.slice();
  while (!objective.done) {
    objective.value(x);
    for (let i = 0; i < x.length; i++) x[i] = rng.float(objective.low, objective.high);
  }
};
