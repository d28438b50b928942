import type { Column, FieldName } from '../query/columns.js';
import type { Comparison } from '../query/conditions.js';
import { type Grouping, groupColumns } from '../query/grouping.js';
import type { Selection } from '../query/selection.js';
import { quoteName, quoteText } from './database.js';

// An index means a cell of its own submission's declaration: runs reused from an earlier one may share it.
export const CELL_ORDER = '"index", started_at, run_id';

/** Fields that are not a column of the view `runs` by their own name. */
const FIELD_SQL: { readonly [Field in FieldName]?: string } = {
  error: `json_extract_string(error, '/message')`,
  error_type: `json_extract_string(error, '/type')`,
  code: 'code_fingerprint',
  context: 'context_fingerprint',
};

/** A column's values as SQL. */
export function columnSql({ source, type, whole }: Column): string {
  if (source.of === 'field') return FIELD_SQL[source.name] ?? quoteName(source.name);
  const pointer = `/${source.key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const text = `json_extract_string(${source.of}, ${quoteText(pointer)})`;
  if (type === 'number') return `CAST(${text} AS ${whole ? 'HUGEINT' : 'DOUBLE'})`;
  return type === 'boolean' ? `CAST(${text} AS BOOLEAN)` : text;
}

/** A WHERE clause; nothing if there is no condition. */
export const whereSql = (comparisons: readonly Comparison[]): string =>
  comparisons.length === 0 ? '' : `WHERE ${comparisons.map(comparisonSql).join(' AND ')}`;

function comparisonSql({ column, op, value }: Comparison): string {
  const sql = columnSql(column);
  if (op === 'contains' || op === 'lacks') {
    const contains = `coalesce(list_contains(CAST(${sql} AS VARCHAR[]), ${quoteText(value)}), false)`;
    return op === 'contains' ? contains : `NOT ${contains}`;
  }
  const literal =
    typeof value === 'string'
      ? quoteText(value)
      : typeof value === 'number'
        ? `CAST('${value}' AS DOUBLE)`
        : String(value);
  // A run that lacks the value differs from it, too.
  return op === '!=' ? `${sql} IS DISTINCT FROM ${literal}` : `${sql} ${op} ${literal}`;
}

/** The selected columns as SQL lists them. */
export const columnList = ({ columns }: Selection): string =>
  columns.map(({ column, as }) => `${columnSql(column)} AS ${quoteName(as)}`).join(', ');

/**
 * @param options.list what to select, as SQL
 * @param options.range only runs of this condition
 * @param options.inCellOrder whether the runs are in the cells' order already: sorting a million takes 5 s and 300 MB
 */
export function selectionSql(
  { where, sort, limit, offset }: Selection,
  options: { readonly list: string; readonly inCellOrder: boolean; readonly range?: string },
): string {
  const order = sort.map(
    ({ column, descending }) => `${columnSql(column)} ${descending ? 'DESC' : 'ASC'} NULLS LAST`,
  );
  return [
    `SELECT ${options.list} FROM ${options.range ? `(SELECT * FROM runs WHERE ${options.range})` : 'runs'}`,
    whereSql(where),
    options.inCellOrder && sort.length === 0 ? '' : `ORDER BY ${[...order, CELL_ORDER].join(', ')}`,
    limit === undefined ? '' : `LIMIT ${limit}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ].join(' ');
}

/** Rows of {@link groupColumns}. */
export function groupingSql({ by, metrics, where }: Grouping): string {
  const success = `FILTER (status = 'success')`;
  const selection = [
    ...by.map(({ column }, index) => `${columnSql(column)} AS ${quoteName(groupColumns.key(index))}`),
    `count(*) ${success} AS ${groupColumns.success}`,
    `count(*) FILTER (status <> 'success') AS ${groupColumns.others}`,
    ...metrics.flatMap((metric, index) => {
      const value = `CAST(${columnSql(metric)} AS DOUBLE)`;
      const { n, mean, std } = groupColumns.metric(index);
      return [
        `count(${value}) ${success} AS ${quoteName(n)}`,
        `avg(${value}) ${success} AS ${quoteName(mean)}`,
        `stddev_samp(${value}) ${success} AS ${quoteName(std)}`,
      ];
    }),
  ];
  const order = by.length > 0 ? `ORDER BY ${by.map((_, index) => index + 1).join(', ')}` : '';
  return `SELECT ${selection.join(', ')} FROM runs ${whereSql(where)} GROUP BY ALL ${order}`;
}
