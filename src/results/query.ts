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
const CELL_ORDER = '"index", started_at, run_id';

export const selectColumns = (query: RowQuery, columns: Columns): readonly Column[] =>
  query.columns ? columns.resolve(query.columns) : columns.all;

/** @throws UsageError where a column is unknown or a condition can't be */
export function selectSql(query: RowQuery, selected: readonly Column[], columns: Columns): string {
  const { where = [], sort = [], limit, offset } = query;
  const names = query.columns ?? selected.map(({ name }) => name);
  const list = selected.map((column, index) => `${column.sql} AS ${quoteName(names[index] ?? column.name)}`);
  const sorted = columns.resolve(sort.map(({ column }) => column));
  const order = sorted.map(
    (column, index) => `${column.sql} ${sort[index]?.descending ? 'DESC' : 'ASC'} NULLS LAST`,
  );
  return [
    `SELECT ${list.join(', ')} FROM runs`,
    whereSql(where, columns),
    `ORDER BY ${[...order, CELL_ORDER].join(', ')}`,
    limit === undefined ? '' : `LIMIT ${limit}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ].join(' ');
}
