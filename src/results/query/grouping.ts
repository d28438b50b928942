import { UsageError } from '../../definition/errors.js';
import type { Cell, StoredCell } from './cell.js';
import type { Column, Columns, ORIGIN_FIELDS } from './columns.js';
import { type Comparison, type Condition, resolveConditions } from './conditions.js';
import type { SortKey } from './selection.js';
import { DEFAULT_STATISTICS, STATISTICS, type Statistic } from './statistics.js';

/** Which groups, what of them, in which order. */
export interface GroupQuery {
  readonly by: readonly string[];
  /** Metrics (or any columns) of numbers or booleans; by default every metric that is one. */
  readonly metrics?: readonly string[];
  readonly statistics?: readonly Statistic[];
  readonly where?: readonly Condition[];
  /** By a column of `by`, a metric (its mean), `METRIC STATISTIC`, or `n`; by default, the columns of `by`. */
  readonly sort?: readonly SortKey[];
  readonly limit?: number;
  readonly offset?: number;
  /** Longer texts of keys may be cut to so many characters: for tables. Groups are those of the whole texts. */
  readonly longest?: number;
}

/** What the successful runs of a group say of a metric. Statistics are of its finite numbers; absent ones were not asked for. */
export interface Summary extends Partial<Readonly<Record<Exclude<Statistic, 'n'>, number | null>>> {
  /** How many of the runs have a finite number. */
  readonly n: number;
  /** How many of the runs have NaN or an infinity, and how many another value that is no number. */
  readonly nonfinite: number;
  readonly others: number;
  /** The ends of the mean's 95 % confidence interval: where `ci95` was asked for. */
  readonly low?: number | null;
  readonly high?: number | null;
}

export interface Group<Key = Cell> {
  /** The values of the columns of `by`, in their order. */
  readonly keys: readonly Key[];
  /** Successful runs. */
  readonly n: number;
  /** Failed and cancelled runs, which don't count. */
  readonly left_out: number;
  /** In the order of the columns. */
  readonly summaries: readonly Summary[];
}

/** A group whose long keys stay where they are. */
export interface StoredGroup extends Group<StoredCell> {
  /** By key: of a long one its type and hash, which are the same for equal keys of a column in all answers. */
  readonly hashes?: readonly (string | undefined)[];
}

export interface Groups<Of extends Group<StoredCell> = Group> {
  /** What the keys are, by name: those asked for, and what tells runs of different declarations apart. */
  readonly by: readonly string[];
  readonly metrics: readonly string[];
  readonly statistics: readonly Statistic[];
  readonly groups: readonly Of[];
  readonly left_out: number;
  /** How many groups there are, those beyond the limit too. */
  readonly total: number;
}

/** What groups are sorted by. */
export type GroupSortKey = { readonly descending: boolean } & (
  | { readonly by: 'key'; readonly index: number }
  | { readonly by: 'n' }
  | { readonly by: 'metric'; readonly column: Column; readonly statistic: Statistic }
);

/** A grouping whose names are resolved: what an engine compiles. */
export interface Grouping {
  readonly by: readonly { readonly column: Column; readonly as: string }[];
  readonly metrics: readonly Column[];
  readonly statistics: readonly Statistic[];
  readonly where: readonly Comparison[];
  readonly sort: readonly GroupSortKey[];
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  readonly longest: number | undefined;
}

/**
 * @param mixed origin fields that differ between the runs: they are further keys, so that runs of different code, context
 * or seeds never count as replicates of each other
 * @throws UsageError if a column is unknown, or one to be averaged is neither a number nor a boolean
 */
export function resolveGrouping(
  query: GroupQuery,
  columns: Columns,
  mixed: readonly (typeof ORIGIN_FIELDS)[number][] = [],
): Grouping {
  const names = [...query.by, ...mixed.filter((name) => !query.by.includes(name))];
  // All unknown names together.
  columns.resolve([...names, ...(query.metrics ?? []), ...(query.where ?? []).map(({ column }) => column)]);
  const by = columns.resolve(names).map((column, index) => ({ column, as: names[index]! }));
  const statistics = query.statistics ?? DEFAULT_STATISTICS;
  return {
    by,
    metrics: summarised(columns, query),
    statistics,
    where: resolveConditions(query.where ?? [], columns),
    sort: (query.sort ?? []).map((key) => resolveSortKey(key, by, columns)),
    limit: query.limit,
    offset: query.offset,
    longest: query.longest,
  };
}

function resolveSortKey(
  { column: name, descending = false }: SortKey,
  by: Grouping['by'],
  columns: Columns,
): GroupSortKey {
  const known = columns.find(name);
  const index = by.findIndex(({ column, as }) => as === name || (known !== undefined && column === known));
  if (index !== -1) return { by: 'key', index, descending };
  if (name === 'n' && !known) return { by: 'n', descending };
  const [, metric = name, statistic = 'mean'] = /^(.*) (\w+)$/s.exec(known ? '' : name) ?? [];
  const [column] = numeric(columns.resolve([metric]), columns);
  if (!(STATISTICS as readonly string[]).includes(statistic)) columns.resolve([name]);
  return { by: 'metric', column: column!, statistic: statistic as Statistic, descending };
}

/** Whether it has a mean. */
export const isNumeric = ({ type }: Column): boolean => type === 'number' || type === 'boolean';

function summarised(columns: Columns, query: GroupQuery): Column[] {
  if (query.metrics) return numeric(columns.resolve(query.metrics), columns);
  return [...columns.ofKind('metric'), ...columns.ofKind('derived')].filter(isNumeric);
}

function numeric(chosen: Column[], columns: Columns): Column[] {
  const wrong = chosen.filter((column) => !isNumeric(column));
  if (wrong.length === 0) return chosen;
  throw new UsageError({
    code: 'METALAB_NOT_NUMERIC',
    what: `${wrong.map(({ name, type }) => `'${name}' (${type})`).join(', ')} can't be averaged`,
    expected: `numeric columns: ${columns.all
      .filter(isNumeric)
      .map(({ name }) => name)
      .join(', ')}`,
  });
}
