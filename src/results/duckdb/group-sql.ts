import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { Column } from '../query/columns.js';
import type { Grouping, GroupSortKey } from '../query/grouping.js';
import type { Histogram } from '../query/histogram.js';
import type { Statistic } from '../query/statistics.js';
import { literal, MAX_COMPARED, type Query } from './compile.js';
import { meanHalfSql, proportionHalfSql } from './interval-sql.js';

/** Names of the columns that a grouping's rows have. Numbered, so that no param's name can be one of them. */
export const groupColumns = {
  key: (index: number, type: ValueType) => `key_${index}_${type}`,
  /** Whether that is the beginning and the hash of a text. */
  isCut: (index: number, type: ValueType) => `cut_${index}_${type}`,
  success: 'success',
  others: 'others',
  total: 'total',
  statistic: (index: number, statistic: RawStatistic) => `m_${index}_${statistic}`,
};

/** What DuckDB computes; the intervals follow from these. */
const RAW_STATISTICS = ['n', 'mean', 'std', 'median', 'min', 'max', 'nonfinite', 'others'] as const;
export type RawStatistic = (typeof RAW_STATISTICS)[number];

/** Rows of {@link groupColumns}, in the order of the query. */
export function groupingSql(query: Query, grouping: Grouping, metrics: readonly Column[]): string {
  const { by, sort, limit, offset } = grouping;
  const keys = by.flatMap(({ column }, index) =>
    query.parts(column).map(({ type, sql }) => `${sql} AS ${groupColumns.key(index, type)}`),
  );
  const cuts = by.flatMap(({ column }, index) =>
    query.longTexts(column).map(({ type, sql }) => ({ sql, as: groupColumns.isCut(index, type) })),
  );
  const list = [
    ...keys,
    ...cuts.map(({ sql, as }) => `bool_or(length(${sql}) > ${MAX_COMPARED}) AS ${as}`),
    ...(cuts.length > 0
      ? [`min(segment) AS segment`, `arg_min(segment_offset, segment) AS segment_offset`]
      : []),
    `${ofSuccessful(query, 'count')} AS ${groupColumns.success}`,
    `${query.hasOthers ? `count(*) FILTER (NOT ${SUCCESS})` : '0'} AS ${groupColumns.others}`,
    ...metrics.flatMap((metric, index) =>
      rawStatistics(grouping.statistics).map(
        (statistic) =>
          `${statisticSql(query, metric, statistic)} AS ${groupColumns.statistic(index, statistic)}`,
      ),
    ),
  ];
  const order = [
    ...sort.flatMap((key) => groupOrder(query, grouping, key)),
    ...by.flatMap(({ column }) => query.order(column, { areCut: true })),
  ];
  const groups = `SELECT ${list.join(', ')}, count(*) OVER () AS ${groupColumns.total} FROM ${groupedRows(query, grouping, cuts)}
    ${keys.length > 0 ? `GROUP BY ${keys.map((_, index) => index + 1).join(', ')}` : by.length > 0 ? 'HAVING count(*) > 0' : ''}`;
  return [
    groups,
    order.length > 0 ? `ORDER BY ${order.join(', ')}` : '',
    limit === undefined ? '' : `LIMIT ${limit}`,
    offset === undefined ? '' : `OFFSET ${offset}`,
  ].join(' ');
}

/**
 * The rows of the groups. A text of many megabytes that is a key is replaced by its beginning and its hash: as it is, DuckDB
 * would have it several times, 681 MB for one of 100 MB.
 */
function groupedRows(query: Query, { where }: Grouping, texts: readonly { readonly sql: string }[]): string {
  const condition = query.where(where);
  const rows = `${query.from()} ${condition}`;
  if (texts.length === 0) return rows;
  // A column may be a key twice: by its name and by its full name.
  const cut = [...new Set(texts.map(({ sql }) => sql))].map(
    (sql) =>
      `CASE WHEN length(${sql}) > ${MAX_COMPARED} THEN left(${sql}, ${MAX_COMPARED}) || sha256(${sql}) ELSE ${sql} END AS ${columnOf(sql)}`,
  );
  return `(SELECT * REPLACE (${cut.join(', ')}) FROM ${rows}) AS runs`;
}

const columnOf = (sql: string) => sql.slice(sql.lastIndexOf('.') + 1);

/** Rows of `bin`, `n` and the keys of {@link groupColumns}, in the order of the keys and bins. */
export function histogramSql(query: Query, { column, by, bins, where }: Histogram): string {
  const value = query.part(column, 'number') ?? 'CAST(NULL AS DOUBLE)';
  const keys = by.flatMap((key, index) =>
    query.parts(key).map(({ type, sql }) => `${sql} AS ${groupColumns.key(index, type)}`),
  );
  const position = `floor((${bins.log ? `log10(${value})` : value} - ${literal(bins.low)}) / ${literal(bins.width)})`;
  const bin = `CAST(greatest(0, least(${bins.count - 1}, ${position})) AS INTEGER) AS bin`;
  const condition = query.where(where);
  return `SELECT ${[bin, ...keys, 'count(*) AS n'].join(', ')} FROM ${query.from()} ${condition} GROUP BY ALL ORDER BY ALL`;
}

function groupOrder(query: Query, { by }: Grouping, key: GroupSortKey): string[] {
  const direction = key.descending ? 'DESC' : 'ASC';
  if (key.by === 'key') return query.order(by[key.index]!.column, { ...key, areCut: true });
  if (key.by === 'n') return [`${ofSuccessful(query, 'count')} ${direction}`];
  return [`${sortedStatisticSql(query, key)} ${direction} NULLS LAST`];
}

function sortedStatisticSql(
  query: Query,
  { column, statistic }: Extract<GroupSortKey, { by: 'metric' }>,
): string {
  const raw = (name: RawStatistic) => statisticSql(query, column, name);
  if (statistic === 'sem') return `${raw('std')} / sqrt(${raw('n')})`;
  if (statistic !== 'ci95') return raw(statistic);
  return column.type === 'boolean'
    ? proportionHalfSql(raw('n'), raw('mean'))
    : meanHalfSql(raw('n'), raw('std'));
}

function rawStatistics(statistics: readonly Statistic[]): RawStatistic[] {
  const needed = new Set<RawStatistic>(['n', 'nonfinite', 'others']);
  for (const statistic of statistics) {
    if (statistic === 'sem' || statistic === 'ci95') needed.add('std');
    else needed.add(statistic);
    if (statistic === 'ci95') needed.add('mean');
  }
  return RAW_STATISTICS.filter((statistic) => needed.has(statistic));
}

const FUNCTIONS = { n: 'count', mean: 'avg', std: 'stddev_samp', median: 'median', min: 'min', max: 'max' };

/** Of the successful runs of a group. */
function statisticSql(query: Query, column: Column, statistic: RawStatistic): string {
  const own = query.part(column, column.type === 'boolean' ? 'boolean' : 'number');
  const value =
    own === undefined ? 'CAST(NULL AS DOUBLE)' : column.type === 'boolean' ? `CAST(${own} AS DOUBLE)` : own;
  if (statistic === 'nonfinite')
    return column.nonfinite === 0 ? '0' : ofSuccessful(query, 'count', '1', `NOT isfinite(${value})`);
  if (statistic === 'others') {
    const others = query.parts(column).filter(({ type, sql }) => sql !== own && type !== 'null');
    return others.length === 0
      ? '0'
      : ofSuccessful(query, 'count', '1', `(${others.map(({ sql }) => `${sql} IS NOT NULL`).join(' OR ')})`);
  }
  const finite = column.nonfinite === 0 ? [] : [`isfinite(${value})`];
  return ofSuccessful(query, FUNCTIONS[statistic], value, ...finite);
}

const SUCCESS = `status = 'success'`;

/**
 * An aggregate of the successful runs: of a value, by default of the runs themselves. Where all are, their status is not read: a
 * mean of a million takes 45 ms, not 66. No FILTER: for each, DuckDB makes vectors for the values of all aggregates, which
 * took 0.15 s for 32 metrics of two runs.
 */
function ofSuccessful(
  query: Query,
  aggregate: string,
  value = '1',
  ...conditions: readonly string[]
): string {
  const all = query.hasOthers ? [SUCCESS, ...conditions] : conditions;
  return all.length === 0
    ? `${aggregate}(${value})`
    : `${aggregate}(CASE WHEN ${all.join(' AND ')} THEN ${value} END)`;
}
