import type { Column, Columns } from './columns.js';
import { quoteName } from './database.js';
import { type Condition, whereSql } from './where.js';

export interface SortKey {
  readonly column: string;
  readonly descending?: boolean;
}

/** Which runs, which of their columns, in which order. */
export interface RowQuery {
  readonly where?: readonly Condition[];
  /** By default every column. */
  readonly columns?: readonly string[];
  readonly sort?: readonly SortKey[];
  readonly limit?: number;
  readonly offset?: number;
}

// An index means a cell of its own submission's declaration: runs reused from an earlier one may share it.
export const CELL_ORDER = '"index", started_at, run_id';

export const selectColumns = (query: RowQuery, columns: Columns): readonly Column[] =>
  query.columns ? columns.resolve(query.columns) : columns.all;

/** The selected columns as SQL lists them, by the names that the query has for them. */
export function columnList(query: RowQuery, selected: readonly Column[]): string {
  const names = query.columns ?? selected.map(({ name }) => name);
  return selected
    .map((column, index) => `${column.sql} AS ${quoteName(names[index] ?? column.name)}`)
    .join(', ');
}

/**
 * @param options.list what to select, as SQL
 * @param options.range only runs of this condition
 * @param options.inCellOrder whether the runs are in the cells' order already: sorting a million takes 5 s and 300 MB
 * @throws UsageError where a column is unknown or a condition can't be
 */
export function selectSql(
  query: RowQuery,
  columns: Columns,
  options: { readonly list: string; readonly inCellOrder: boolean; readonly range?: string },
): string {
  const { where = [], sort = [], limit, offset } = query;
  const sorted = columns.resolve(sort.map(({ column }) => column));
  const order = sorted.map(
    (column, index) => `${column.sql} ${sort[index]?.descending ? 'DESC' : 'ASC'} NULLS LAST`,
  );
  return [
    `SELECT ${options.list} FROM ${options.range ? `(SELECT * FROM runs WHERE ${options.range})` : 'runs'}`,
    whereSql(where, columns),
    options.inCellOrder && sort.length === 0 ? '' : `ORDER BY ${[...order, CELL_ORDER].join(', ')}`,
    limit === undefined ? '' : `LIMIT ${limit}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ].join(' ');
}
