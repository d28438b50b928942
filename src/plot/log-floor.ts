import type { PlotRow } from './plot-data.js';

/**
 * Where a logarithmic axis of means ends: half of the lowest. Intervals that reach further down, maybe to 0, are cut off
 * there; else a single one could take most of the chart.
 */
export function logFloor(rows: readonly PlotRow[]): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { y } of rows) if (typeof y === 'number' && y > 0) lowest = Math.min(lowest, y);
  return Number.isFinite(lowest) ? lowest / 2 : 1;
}
