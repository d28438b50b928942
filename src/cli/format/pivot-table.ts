import { encodeNumber } from '../../definition/non-finite.js';
import type { Pivot } from '../../results/pivot.js';
import type { Cell } from '../../results/query/cell.js';
import { leftOut } from './group-table.js';
import { toShown } from './shown-cell.js';

/** A pivot as a table: the values of its column are the titles. What was left out of numbers is beside them. */
export function pivotTable({ by, columns, rows }: Pivot): {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
} {
  const types = new Set(
    columns.filter((cell) => cell !== null && cell !== undefined).map((cell) => typeof cell),
  );
  const title = (cell: Cell) => {
    if (cell === undefined) return '(missing)';
    const shown = toShown(cell, types.size > 1);
    return typeof shown === 'string'
      ? shown
      : typeof shown === 'number'
        ? String(shown)
        : JSON.stringify(shown);
  };
  const incomplete = columns.map((_, at) =>
    rows.some(({ cells }) => cells[at] && leftOut(cells[at]) !== undefined),
  );
  return {
    columns: [
      ...by,
      ...columns.flatMap((cell, at) => [title(cell), ...(incomplete[at] ? [`${title(cell)} left out`] : [])]),
    ],
    rows: rows.map(({ keys, cells }) => [
      ...keys,
      ...cells.flatMap((cell, at) => [
        cell?.value ?? undefined,
        ...(incomplete[at] ? [cell && leftOut(cell)] : []),
      ]),
    ]),
  };
}

/** Missing keys are absent, so that they are not null. */
export const pivotAsJson = ({ rows, columns, ...pivot }: Pivot): string =>
  JSON.stringify(
    {
      ...pivot,
      columns: columns.map((cell) => (cell === undefined ? { missing: true } : { value: cell })),
      rows: rows.map(({ keys, cells }) => ({
        keys: Object.fromEntries(pivot.by.map((name, index) => [name, keys[index]])),
        cells: cells.map((cell) => cell ?? null),
      })),
    },
    (_, value) => encodeNumber(value),
  );
