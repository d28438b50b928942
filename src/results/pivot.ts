import { UsageError } from '../definition/errors.js';
import type { JsonValue } from '../definition/json.js';
import { type Cell, jsonText, type StoredCell, wholeCell } from './query/cell.js';
import type { Groups, StoredGroup, Summary } from './query/grouping.js';
import type { Statistic } from './query/statistics.js';

const MAX_PIVOT_COLUMNS = 200;

/** One statistic of a metric by two columns: the values of one are the rows, those of the other the columns. */
export interface Pivot<Key = Cell> {
  /** What the rows' keys are, by name: the column asked for, and what tells runs of different declarations apart. */
  readonly by: readonly string[];
  readonly column: string;
  readonly metric: string;
  readonly statistic: Statistic;
  /** The values of the column, in order. */
  readonly columns: readonly Key[];
  readonly rows: readonly PivotRow<Key>[];
  /** How many rows there are, those beyond the limit too. */
  readonly total: number;
  /** Failed and cancelled runs, which don't count. */
  readonly left_out: number;
}

export interface PivotRow<Key = Cell> {
  readonly keys: readonly Key[];
  /** In the order of the columns; `undefined` where there are no such runs. */
  readonly cells: readonly (PivotCell | undefined)[];
}

export interface PivotCell extends Pick<Summary, 'n' | 'nonfinite' | 'others'> {
  /** Null where no run has a finite number. */
  readonly value: number | null;
}

/** The groups that a pivot is made of: by the rows, in their order; by the columns; and by both. */
export interface PivotGroups {
  readonly rows: Groups<StoredGroup>;
  readonly columns: Groups<StoredGroup>;
  readonly cells: Groups<StoredGroup>;
}

/** @throws UsageError where the column has too many values */
export function makePivot({ rows, columns, cells }: PivotGroups, statistic: Statistic): Pivot<StoredCell> {
  const column = columns.by[0]!;
  // With all runs, those of each code, context and seed base are groups of their own.
  const values = [
    ...new Map(
      columns.groups.map(({ keys: [value], hashes: [hash] = [] }) => [
        keyOf([value], [hash]),
        { value, hash },
      ]),
    ).values(),
  ];
  if (values.length > MAX_PIVOT_COLUMNS)
    throw new UsageError({
      code: 'METALAB_PIVOT',
      what: `'${column}' has ${values.length} values, a pivot at most ${MAX_PIVOT_COLUMNS} columns`,
      expected: `a column with fewer values, or fewer runs (--where); or --group-by ${rows.by[0]},${column}`,
    });
  const found = new Map<string, PivotCell>();
  for (const { keys, hashes = [], summaries } of cells.groups) {
    const [row, value, ...origins] = keys;
    const [rowHash, valueHash] = hashes;
    const [summary] = summaries;
    const { n, nonfinite, others } = summary!;
    const result = statistic === 'n' ? n : (summary![statistic] ?? null);
    found.set(keyOf([value, row, ...origins], [valueHash, rowHash]), { value: result, n, nonfinite, others });
  }
  return {
    by: rows.by,
    column,
    metric: cells.metrics[0]!,
    statistic,
    columns: values.map(({ value }) => value),
    rows: rows.groups.map(({ keys, hashes = [] }) => ({
      keys,
      cells: values.map(({ value, hash }) => found.get(keyOf([value, ...keys], [hash, ...hashes]))),
    })),
    total: rows.total,
    left_out: rows.left_out,
  };
}

/**
 * The pivot with the texts of its keys.
 *
 * @param longest to how many characters they are cut; all of them, if undefined
 */
export function wholePivot(pivot: Pivot<StoredCell>, longest?: number): Pivot {
  const whole = (key: StoredCell) => wholeCell(key, longest);
  return {
    ...pivot,
    columns: pivot.columns.map(whole),
    rows: pivot.rows.map(({ keys, cells }) => ({ keys: keys.map(whole), cells })),
  };
}

/** Equal for equal cells alone: a number is not the text of it. */
const keyOf = (cells: readonly StoredCell[], hashes: StoredGroup['hashes'] = []): string =>
  JSON.stringify(
    cells.map((cell, at) => {
      const hash = hashes[at];
      if (hash !== undefined) return [hash];
      if (cell === undefined) return [];
      return typeof cell === 'number' ? [String(cell)] : jsonText(cell as JsonValue);
    }),
  );
