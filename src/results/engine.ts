import type { RunRecord, RunStatus } from '../definition/record.js';
import type { Columns } from './query/columns.js';
import type { Comparison } from './query/conditions.js';
import type { Grouping } from './query/grouping.js';
import type { Row } from './query/rows.js';
import type { Selection } from './query/selection.js';

/** Answers resolved queries about the final records of one experiment's runs. */
export interface QueryEngine {
  readonly columns: Columns;
  /** Lines of the store's files that are left out, since they are no records. */
  readonly damaged: number;
  /** The statuses that occur. */
  statuses(): Promise<RunStatus[]>;
  count(where: readonly Comparison[]): Promise<number>;
  /** In batches, in constant memory. */
  rows(selection: Selection): AsyncIterable<readonly Row[]>;
  /** Complete records; the selection's columns don't matter. In constant memory. */
  records(selection: Selection): AsyncIterable<RunRecord>;
  /** Rows that `toGroups` reads, in the order of the keys. */
  groups(grouping: Grouping): Promise<readonly Row[]>;
  close(): void;
}
