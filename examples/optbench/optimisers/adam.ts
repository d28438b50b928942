import type { Optimiser } from './optimiser.js';

/** As a share of the search box's width: Adam's steps are about this long whatever the gradient is. */
const LEARNING_RATE = 1e-2;
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Steps scaled by running moments of the gradient (Kingma & Ba 2015, algorithm 1). */
export const adam: Optimiser = (objective, start) => {
  const x = start.slice();
  const gradient = new Float64Array(x.length);
  const first = new Float64Array(x.length);
  const second = new Float64Array(x.length);
  for (let step = 1; !objective.done; step++) {
    objective.valueAndGradient(x, gradient);
    for (let i = 0; i < x.length; i++) {
      const g = gradient[i]!;
      first[i] = BETA1 * first[i]! + (1 - BETA1) * g;
      second[i] = BETA2 * second[i]! + (1 - BETA2) * g * g;
      const mean = first[i]! / (1 - BETA1 ** step);
      const spread = Math.sqrt(second[i]! / (1 - BETA2 ** step));
      x[i]! -= (LEARNING_RATE * objective.width * mean) / (spread + EPSILON);
    }
  }
};
