import { encodeNumber } from '../../definition/non-finite.js';
import type { Pivot } from '../../results/pivot.js';
import type { Cell } from '../../results/query/cell.js';
import { toShown } from './shown-cell.js';

/** A pivot as a table: the values of its column are the titles. */
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
  return {
    columns: [...by, ...columns.map(title)],
    rows: rows.map(({ keys, cells }) => [...keys, ...cells.map((cell) => cell?.value ?? undefined)]),
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
