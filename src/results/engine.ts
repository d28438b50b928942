import type { DerivedMetrics } from '../definition/derivation.js';
import type { RunRecord, RunStatus } from '../definition/record.js';
import type { StoredRunRecord } from '../storage/file/formats/long-record.js';
import type { ValueType } from '../storage/file/formats/runs-file.js';
import type { Cell, StoredCell } from './query/cell.js';
import type { Column, Columns } from './query/columns.js';
import type { Comparison } from './query/conditions.js';
import type { Grouping, StoredGroup } from './query/grouping.js';
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
  /**
   * Rows in batches, in constant memory: one a run, or one a point of its series. The cells are in the order of the
   * selection's columns.
   */
  cells(selection: Selection): AsyncIterable<readonly (readonly Cell[])[]>;
  /** The same; long texts stay where they are. */
  storedCells(selection: Selection): AsyncIterable<readonly (readonly StoredCell[])[]>;
  /** Complete records, but for long texts; the selection's columns don't matter. In constant memory. */
  records(selection: Selection): AsyncIterable<StoredRunRecord>;
  /** The same with what is known of the runs besides. */
  runs(selection: Selection): AsyncIterable<StoredRecord>;
  /** In the order of the query. `total` counts groups beyond the limit, too. */
  groups(grouping: Grouping): Promise<{ readonly groups: readonly StoredGroup[]; readonly total: number }>;
  histogram(histogram: Histogram): Promise<BinCount[]>;
  /** The types of a column's values, its own first: each has a column of its own in files whose columns have one type. */
  typesOf(column: Column): readonly ValueType[];
  /** Writes the rows to a Parquet file, in constant memory. */
  writeParquet(selection: Selection, file: string): Promise<void>;
  /** The names of all series, whichever runs they are of. */
  seriesNames(): Promise<string[]>;
  /** One SELECT about `runs`, `series` and `artifacts` of the runs that match, whose parameters are `$1`, `$2`… */
  sql(text: string, values: readonly SqlValue[], where: readonly Comparison[]): Promise<SqlAnswer>;
  close(): void;
}
