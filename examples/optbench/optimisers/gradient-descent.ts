import type { Optimiser } from './optimiser.js';

/** The share of the decrease promised by the gradient that a step must bring. */
const SUFFICIENT_DECREASE = 1e-4;

/** Steepest descent with a backtracking line search (Armijo 1966; Nocedal & Wright 2006, algorithm 3.1). */
export const gradientDescent: Optimiser = (objective, start) => {
  const x = start.slice();
  const candidate = x.slice();
  const gradient = new Float64Array(x.length);
  let value = objective.valueAndGradient(x, gradient);
  let step = (0.01 * objective.width) / Math.max(norm(gradient), Number.MIN_VALUE);
  while (!objective.done) {
    for (let i = 0; i < x.length; i++) candidate[i] = x[i]! - step * gradient[i]!;
    // Not one coordinate moves any more: a stationary point, as far as floating point can tell.
    if (candidate.every((xi, i) => xi === x[i])) return;
    if (objective.value(candidate) <= value - SUFFICIENT_DECREASE * step * norm(gradient) ** 2) {
      x.set(candidate);
      value = objective.valueAndGradient(x, gradient);
      step *= 2;
    } else {
      step /= 2;
    }
  }
};

function norm(vector: Float64Array): number {
  return Math.hypot(...vector);
}
