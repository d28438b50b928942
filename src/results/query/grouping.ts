import { UsageError } from '../../definition/errors.js';
import type { Column, Columns } from './columns.js';
import { type Comparison, type Condition, resolveConditions } from './conditions.js';
import type { Cell, Row } from './rows.js';
import { studentT975 } from './student-t.js';

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

/** A grouping whose names are resolved: what an engine compiles. */
export interface Grouping {
  readonly by: readonly { readonly column: Column; readonly as: string }[];
  readonly metrics: readonly Column[];
  readonly where: readonly Comparison[];
}

/** @throws UsageError if a column is unknown, or one to be averaged is not numeric */
export const resolveGrouping = (query: GroupQuery, columns: Columns): Grouping => ({
  by: columns.resolve(query.by).map((column, index) => ({ column, as: query.by[index]! })),
  metrics: summarised(columns, query),
  where: resolveConditions(query.where ?? [], columns),
});

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

/**
 * The groups of an engine's rows, one for each, in the order of the keys.
 *
 * @param rows have the columns of {@link groupColumns}
 */
export function toGroups(rows: readonly Row[], { by, metrics }: Grouping): Groups {
  const groups = rows.map((row) => ({
    by: Object.fromEntries(by.map(({ as }, index) => [as, row[groupColumns.key(index)] ?? null])),
    n: Number(row[groupColumns.success]),
    left_out: Number(row[groupColumns.others]),
    metrics: Object.fromEntries(
      metrics.map(({ name }, index) => {
        const { n, mean, std } = groupColumns.metric(index);
        return [name, summary(row[n], row[mean], row[std])];
      }),
    ),
  }));
  return { groups, left_out: groups.reduce((sum, group) => sum + group.left_out, 0) };
}

/** Names of the columns that an engine gives of a group. Numbered, so that no param's name can be one of them. */
export const groupColumns = {
  key: (index: number) => `key ${index}`,
  /** How many runs are successful, and how many are not. */
  success: 'success',
  others: 'others',
  /** Of the successful runs that have the metric: their count, mean and sample standard deviation. */
  metric: (index: number) => ({ n: `n ${index}`, mean: `mean ${index}`, std: `std ${index}` }),
};

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
