import type { Point } from './cars.js';
import { leastSquares } from './least-squares.js';

/** A fitted model: the y that it predicts at x. */
export type Curve = (x: number) => number;

/**
 * Ridge regression on the powers of x: minimises mean (y - ŷ)² + λ ‖w‖² over the coefficients w of the standardised
 * powers; the intercept is free (Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2009, §3.4.1).
 *
 * @param model.degree the highest power, at least 1 and below the number of distinct x
 * @param model.lambda from 0, which is ordinary least squares; in units of y²
 */
export function fitPolynomial(
  points: readonly Point[],
  model: { readonly degree: number; readonly lambda: number },
): Curve {
  const xs = points.map(({ x }) => x);
  // Powers of x in [-1, 1] are far from collinear, where those of 230 hp would be numerically the same column.
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const powers = (x: number) => {
    const z = (2 * x - low - high) / (high - low);
    return Array.from({ length: model.degree }, (_, index) => z ** (index + 1));
  };

  const features = xs.map(powers);
  const scales = Array.from({ length: model.degree }, (_, power) =>
    scale(features.map((row) => row[power]!)),
  );
  const standardised = (row: readonly number[]) =>
    row.map((value, power) => (value - scales[power]!.mean) / scales[power]!.deviation);

  const intercept = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const weights = leastSquares(
    features.map(standardised),
    points.map(({ y }) => y - intercept),
    model.lambda * points.length,
  );
  return (x) =>
    standardised(powers(x)).reduce((sum, value, power) => sum + value * weights[power]!, intercept);
}

function scale(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
