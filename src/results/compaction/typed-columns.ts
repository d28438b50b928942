import type { Occurrence } from '../../storage/file/runs-file.js';
import { columnSql } from '../duckdb/compile.js';
import { quoteName } from '../duckdb/database.js';
import { columnsOf } from '../query/columns.js';

/** Beyond this many, a param or metric is found in the JSON only. */
const MAX_COLUMNS = 256;

/**
 * `params.x` and `metrics.y` as columns of their own, with their types, beside `params` and `metrics` as JSON: in pandas,
 * `df['metrics.y'].mean()` instead of parsing a million texts. Lists and objects are in the JSON only.
 *
 * @param whole the type of whole numbers: Parquet has none of 128 bits
 */
export function typedColumns(occurrences: readonly Occurrence[], whole: 'BIGINT' | 'DOUBLE'): string[] {
  const columns = [...columnsOf('params', occurrences, 0), ...columnsOf('metrics', occurrences, 0)];
  return columns
    .filter(({ type }) => type !== 'json')
    .slice(0, MAX_COLUMNS)
    .map((column) => {
      const value = column.whole ? `CAST(${columnSql(column)} AS ${whole})` : columnSql(column);
      return `${value} AS ${quoteName(column.name)}`;
    });
}
