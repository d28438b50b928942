import { studentT975, NORMAL_975 as Z } from './student-t.js';

/** What can be said of a metric in a group of runs. `ci95` is half the width of the mean's 95 % confidence interval. */
export const STATISTICS = ['n', 'mean', 'std', 'sem', 'ci95', 'median', 'min', 'max'] as const;
export type Statistic = (typeof STATISTICS)[number];

export const DEFAULT_STATISTICS: readonly Statistic[] = ['mean', 'std', 'ci95'];

/** The interval of a mean, by Student's t; null below two values. */
export function meanInterval(n: number, mean: number, std: number | null): Interval | null {
  if (std === null || n < 2) return null;
  const half = (studentT975(n - 1) * std) / Math.sqrt(n);
  return { half, low: mean - half, high: mean + half };
}

/**
 * The interval of a proportion, by Wilson's score. Never beyond 0 and 1, and not of width 0 where all are equal.
 * E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212.
 */
export function proportionInterval(n: number, mean: number): Interval | null {
  if (n === 0) return null;
  const z2 = Z * Z;
  const centre = (mean + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((mean * (1 - mean)) / n + z2 / (4 * n * n));
  return { half, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export interface Interval {
  readonly half: number;
  readonly low: number;
  readonly high: number;
}
