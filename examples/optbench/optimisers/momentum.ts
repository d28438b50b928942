import type { Optimiser } from './optimiser.js';

const LEARNING_RATE = 1e-3;
const DECAY = 0.9;

/** The longest step, as a share of the search box's width (gradient clipping: Pascanu, Mikolov & Bengio 2013). */
const LONGEST_STEP = 0.01;

/** Gradient descent with a heavy ball's momentum (Polyak 1964). */
export const momentum: Optimiser = (objective, start) => {
  const x = start.slice();
  const velocity = new Float64Array(x.length);
  const gradient = new Float64Array(x.length);
  while (!objective.done) {
    objective.valueAndGradient(x, gradient);
    const step = Math.min(LEARNING_RATE, (LONGEST_STEP * objective.width) / Math.hypot(...gradient));
    for (let i = 0; i < x.length; i++) {
      velocity[i] = DECAY * velocity[i]! - step * gradient[i]!;
      x[i]! += velocity[i]!;
    }
  }
};
