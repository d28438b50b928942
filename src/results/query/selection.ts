import type { Column, Columns } from './columns.js';
import { type Comparison, type Condition, resolveConditions } from './conditions.js';

export interface SortKey {
  readonly column: string;
  readonly descending?: boolean;
}

/** `loss`, or `-loss`: descending. */
export const parseSortKey = (text: string): SortKey =>
  text.startsWith('-') ? { column: text.slice(1), descending: true } : { column: text };

/** Which runs, which of their columns, in which order. */
export interface RowQuery {
  readonly where?: readonly Condition[];
  /** By default every column. */
  readonly columns?: readonly string[];
  readonly sort?: readonly SortKey[];
  readonly limit?: number;
  readonly offset?: number;
  /** Only so many of the runs that have the same values of these columns: the first by the sort. */
  readonly each?: { readonly by: readonly string[]; readonly limit: number };
  /** Longer texts are cut to so many characters. */
  readonly longest?: number;
}

/** A query whose names are resolved: what an engine compiles. */
export interface Selection {
  readonly columns: readonly { readonly column: Column; readonly as: string }[];
  readonly where: readonly Comparison[];
  /** Runs without a value come last. Equal ones are in the order of cells. */
  readonly sort: readonly { readonly column: Column; readonly descending: boolean }[];
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  readonly each?: { readonly by: readonly Column[]; readonly limit: number };
  /** Longer texts are cut to so many characters. */
  readonly longest?: number;
  /**
   * One row a point of these series of the runs, of all where none is named: name, step and value are further columns, the
   * last ones.
   */
  readonly series?: readonly string[];
}

/** What a point of a series has beside its run. */
export const SERIES_COLUMNS = { name: 'text', step: 'double', value: 'double' } as const;
export const SERIES_NAMES = Object.keys(SERIES_COLUMNS);

/** @throws UsageError if a column is unknown or a condition can't be */
export function resolveSelection(query: RowQuery, columns: Columns): Selection {
  const { where = [], sort = [], limit, offset, each } = query;
  const names = query.columns ?? columns.all.map(({ name }) => name);
  // All unknown names together.
  columns.resolve(
    [...names, ...(each?.by ?? []), ...sort, ...where].map((named) =>
      typeof named === 'string' ? named : named.column,
    ),
  );
  const selected = query.columns ? columns.resolve(query.columns) : columns.all;
  const sorted = columns.resolve(sort.map(({ column }) => column));
  return {
    columns: selected.map((column, index) => ({ column, as: names[index]! })),
    where: resolveConditions(where, columns),
    sort: sorted.map((column, index) => ({ column, descending: sort[index]?.descending ?? false })),
    limit,
    offset,
    ...(each ? { each: { by: columns.resolve(each.by), limit: each.limit } } : {}),
    ...(query.longest === undefined ? {} : { longest: query.longest }),
  };
}
