import type { Pivot } from '../../results/pivot.js';
import type { Cell, StoredCell } from '../../results/query/cell.js';
import { isLongValue, LongText, type LongValue } from '../../storage/file/formats/long-text.js';
import { leftOut } from './group-table.js';
import { toShown } from './shown-cell.js';

/** A pivot as a table: the values of its column are the titles. What was left out of numbers is beside them. */
export function pivotTable<Key extends StoredCell>({
  by,
  columns,
  rows,
}: Pivot<Key>): {
  readonly columns: readonly (string | Extract<Key, LongValue>)[];
  readonly rows: readonly (readonly (Key | Cell)[])[];
} {
  const types = new Set(
    columns
      .filter((cell) => cell !== null && cell !== undefined)
      .map((cell) => (cell instanceof LongText && cell.type === 'text' ? 'string' : typeof cell)),
  );
  const title = (key: Key) => {
    if (key === undefined) return '(missing)';
    if (isLongValue(key)) return key as Extract<Key, LongValue>;
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

/** Characters of a long title to which something is added. */
const MAX_TITLE = 100;

function titleText(title: string | LongValue): string {
  if (!isLongValue(title)) return title;
  const cut = title.cut(MAX_TITLE);
  return `${typeof cut === 'string' ? cut : JSON.stringify(cut)}…`;
}

/** Missing keys are absent, so that they are not null. */
export const pivotAsJson = ({ rows, columns, ...pivot }: Pivot<StoredCell>) => ({
  ...pivot,
  columns: columns.map((cell) => (cell === undefined ? { missing: true } : { value: cell })),
  rows: rows.map(({ keys, cells }) => ({
    keys: Object.fromEntries(pivot.by.map((name, index) => [name, keys[index]])),
    cells: cells.map((cell) => cell ?? null),
  })),
});
