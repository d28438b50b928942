import type { DerivedMetrics } from '../definition/derivation.js';
import type { RunRecord, RunStatus } from '../definition/record.js';
import type { Cell, Row } from './query/cell.js';
import type { Column, Columns } from './query/columns.js';
import type { Comparison } from './query/conditions.js';
import type { Group, Grouping } from './query/grouping.js';
import type { BinCount, Histogram } from './query/histogram.js';
import type { Selection } from './query/selection.js';

/** A value that is bound to a parameter of a statement. */
export type SqlValue = string | number | boolean | null;

/** What a statement answers: its columns, and its rows in batches, each in the order of the columns. */
export interface SqlAnswer {
  readonly columns: readonly string[];
  /** To be read once, to its end. */
  batches(): AsyncIterable<readonly (readonly Cell[])[]>;
}

/** A run's record, the submission that executed it, and the metrics that are derived of it. */
export interface StoredRecord {
  readonly record: RunRecord;
  readonly submission: string;
  readonly derived: DerivedMetrics;
}

/** Answers resolved queries about the final records of one experiment's runs. */
export interface QueryEngine {
  readonly columns: Columns;
  /** Lines of the store's files that are left out, since they are no records. */
  readonly damaged: number;
  /** The statuses that occur. */
  statuses(): Promise<RunStatus[]>;
  /** Some of a column's values, each once. */
  distinct(column: Column, most: number): Promise<Cell[]>;
  count(where: readonly Comparison[]): Promise<number>;
  /** In batches, in constant memory. */
  rows(selection: Selection): AsyncIterable<readonly Row[]>;
  /** Complete records; the selection's columns don't matter. In constant memory. */
  records(selection: Selection): AsyncIterable<RunRecord>;
  /** The same with what is known of the runs besides. */
  runs(selection: Selection): AsyncIterable<StoredRecord>;
  /** In the order of the query. `total` counts groups beyond the limit, too. */
  groups(grouping: Grouping): Promise<{ readonly groups: readonly Group[]; readonly total: number }>;
  histogram(histogram: Histogram): Promise<BinCount[]>;
  /** One SELECT about `runs`, `series` and `artifacts` of the runs that match, whose parameters are `$1`, `$2`… */
  sql(text: string, values: readonly SqlValue[], where: readonly Comparison[]): Promise<SqlAnswer>;
  close(): void;
}
