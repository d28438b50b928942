import type { Pivot } from '../../results/pivot.js';
import type { Cell, StoredCell } from '../../results/query/cell.js';
import { LongText } from '../../storage/file/formats/long-text.js';
import { leftOut } from './group-table.js';
import { toShown } from './shown-cell.js';

/** A pivot as a table: the values of its column are the titles. What was left out of numbers is beside them. */
export function pivotTable<Key extends StoredCell>({
  by,
  columns,
  rows,
}: Pivot<Key>): {
  readonly columns: readonly (string | Extract<Key, LongText>)[];
  readonly rows: readonly (readonly (Key | Cell)[])[];
} {
  const types = new Set(
    columns.filter((cell) => cell !== null && cell !== undefined).map((cell) => typeof cell),
  );
  const title = (key: Key) => {
    if (key === undefined) return '(missing)';
    if (key instanceof LongText) return key as Extract<Key, LongText>;
    const shown = toShown(key as Cell, types.size > 1);
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
      ...columns.flatMap((key, at) => [
        title(key),
        ...(incomplete[at] ? [`${titleText(title(key))} left out`] : []),
      ]),
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

const titleText = (title: string | LongText) => (title instanceof LongText ? `${title.head}…` : title);

/** Missing keys are absent, so that they are not null. */
export const pivotAsJson = ({ rows, columns, ...pivot }: Pivot<StoredCell>): object => ({
  ...pivot,
  columns: columns.map((cell) => (cell === undefined ? { missing: true } : { value: cell })),
  rows: rows.map(({ keys, cells }) => ({
    keys: Object.fromEntries(pivot.by.map((name, index) => [name, keys[index]])),
    cells: cells.map((cell) => cell ?? null),
  })),
});
