import type { Point } from './cars.js';
import type { Curve } from './polynomial.js';

/** Root of the mean squared error, in the unit of y. */
export function rmse(points: readonly Point[], curve: Curve): number {
  return Math.sqrt(squaredErrors(points, curve) / points.length);
}

/** The coefficient of determination R² = 1 - Σ(y - ŷ)² / Σ(y - ȳ)²: 1 is perfect, 0 no better than the mean. */
export function determination(points: readonly Point[], curve: Curve): number {
  const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  return 1 - squaredErrors(points, curve) / squaredErrors(points, () => mean);
}

function squaredErrors(points: readonly Point[], curve: Curve): number {
  return points.reduce((sum, { x, y }) => sum + (y - curve(x)) ** 2, 0);
}
