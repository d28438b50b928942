import { countOf } from '../../definition/format-count.js';
import { isNumeric } from '../../results/query/grouping.js';
import type { Results } from '../../results/results.js';
import type { PlotColumn } from '../plot-request.js';

/** A column on an axis of numbers. */
export interface NumberAxis extends PlotColumn {
  readonly log: boolean;
}

/** The successful runs that have a finite number on every axis, positive ones where it is logarithmic; notes count the others. */
export async function onlyFinite(
  results: Results,
  axes: readonly NumberAxis[],
): Promise<{ readonly runs: Results; readonly total: number; readonly notes: readonly string[] }> {
  const successful = results.successful();
  let runs = successful;
  const notes = noteUnsuccessful((await results.count()) - (await successful.count()));
  let total = await successful.count();
  for (const { name, column, log } of axes) {
    const numbers =
      column.type === 'number'
        ? runs.where(name, '>=', -Number.MAX_VALUE).where(name, '<=', Number.MAX_VALUE)
        : runs.where(name, 'in', [true, false]);
    runs = numbers;
    let left = await runs.count();
    if (left < total) notes.push(`${countOf(total - left, 'run')} without a finite ${name} left out`);
    total = left;
    if (!log) continue;
    runs = runs.where(name, '>', 0);
    left = await runs.count();
    notes.push(...notePositive(total - left, name));
    total = left;
  }
  return { runs, total, notes };
}

export const noteUnsuccessful = (n: number): string[] =>
  n > 0 ? [`${countOf(n, 'failed or cancelled run')} left out`] : [];

export const notePositive = (n: number, name: string): string[] =>
  n > 0 ? [`${countOf(n, 'value')} of ${name} that are 0 or less left out: the axis is logarithmic`] : [];

/** The axes of numbers among these. */
export const numberAxes = (...axes: readonly (readonly [PlotColumn | undefined, boolean])[]): NumberAxis[] =>
  axes.flatMap(([axis, log]) => (axis && isNumeric(axis.column) ? [{ ...axis, log }] : []));
