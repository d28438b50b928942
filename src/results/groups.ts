import { UsageError } from '../definition/errors.js';
import type { Column, Columns } from './columns.js';
import { type Cell, type Database, quoteName, type Row } from './database.js';
import { studentT975 } from './student-t.js';
import { type Condition, whereSql } from './where.js';

export interface GroupQuery {
  readonly by: readonly string[];
  /** Numeric metrics (or any numeric columns); by default every numeric metric. */
  readonly metrics?: readonly string[];
  readonly where?: readonly Condition[];
}

/** What the successful runs of a group say of a metric. */
export interface Summary {
  /** How many of the runs have it. */
  readonly n: number;
  readonly mean: number | null;
  /** Sample standard deviation; null below two values. */
  readonly std: number | null;
  /** Half the width of the mean's 95 % confidence interval, by Student's t; null below two values. */
  readonly ci95: number | null;
}

export interface Group {
  readonly by: Row;
  /** Successful runs. */
  readonly n: number;
  /** Failed and cancelled runs, which don't count. */
  readonly left_out: number;
  readonly metrics: { readonly [metric: string]: Summary };
}

export interface Groups {
  readonly groups: readonly Group[];
  readonly left_out: number;
}

/** @throws UsageError where a column is unknown, or one to be averaged is not numeric */
export async function queryGroups(database: Database, columns: Columns, query: GroupQuery): Promise<Groups> {
  const keys = columns.resolve(query.by);
  const metrics = summarised(columns, query);
  const selection = [
    ...keys.map((key, index) => `${key.sql} AS ${quoteName(`key ${index}`)}`),
    `count(*) FILTER (status = 'success') AS n`,
    `count(*) FILTER (status <> 'success') AS left_out`,
    ...metrics.flatMap(({ sql }, index) => aggregates(sql, index)),
  ];
  const positions = keys.map((_, index) => index + 1);
  const order = positions.length > 0 ? `ORDER BY ${positions.join(', ')}` : '';
  const rows = await database.all(
    `SELECT ${selection.join(', ')} FROM runs ${whereSql(query.where ?? [], columns)} GROUP BY ALL ${order}`,
  );
  const groups = rows.map((row) => toGroup(row, query.by, metrics));
  return { groups, left_out: groups.reduce((sum, group) => sum + group.left_out, 0) };
}

function summarised(columns: Columns, query: GroupQuery): Column[] {
  if (!query.metrics) return columns.ofKind('metric').filter(({ type }) => type === 'number');
  const chosen = columns.resolve(query.metrics);
  const wrong = chosen.filter(({ type }) => type !== 'number');
  if (wrong.length === 0) return chosen;
  throw new UsageError({
    code: 'METALAB_NOT_NUMERIC',
    what: `${wrong.map(({ name, type }) => `'${name}' (${type})`).join(', ')} can't be averaged`,
    expected: `numeric columns: ${columns.all
      .filter(({ type }) => type === 'number')
      .map(({ name }) => name)
      .join(', ')}`,
  });
}

function aggregates(sql: string, index: number): string[] {
  const value = `CAST(${sql} AS DOUBLE)`;
  const successful = `FILTER (status = 'success')`;
  return [
    `count(${value}) ${successful} AS "n ${index}"`,
    `avg(${value}) ${successful} AS "mean ${index}"`,
    `stddev_samp(${value}) ${successful} AS "std ${index}"`,
  ];
}

function toGroup(row: Row, by: readonly string[], metrics: readonly Column[]): Group {
  return {
    by: Object.fromEntries(by.map((name, index) => [name, row[`key ${index}`] ?? null])),
    n: Number(row.n),
    left_out: Number(row.left_out),
    metrics: Object.fromEntries(
      metrics.map(({ name }, index) => [
        name,
        summary(row[`n ${index}`], row[`mean ${index}`], row[`std ${index}`]),
      ]),
    ),
  };
}

function summary(count: Cell | undefined, mean: Cell | undefined, std: Cell | undefined): Summary {
  const n = Number(count ?? 0);
  const deviation = typeof std === 'number' ? std : null;
  return {
    n,
    mean: typeof mean === 'number' ? mean : null,
    std: deviation,
    ci95: deviation === null || n < 2 ? null : (studentT975(n - 1) * deviation) / Math.sqrt(n),
  };
}
