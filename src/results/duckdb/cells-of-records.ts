import type { StoredRunRecord } from '../../storage/file/formats/long-record.js';
import { type Cell, type StoredCell, wholeCell } from '../query/cell.js';
import type { Column } from '../query/columns.js';
import type { Selection } from '../query/selection.js';
import { Query, selectionSql } from './compile.js';
import type { Database } from './database.js';
import type { LoadedRuns } from './load-runs.js';
import { fieldCell, listParts, readCell } from './read-cell.js';
import { isLongField, textList } from './record-table.js';
import { rowsWithRecords } from './rows-with-records.js';

/** Of a batch of rows. */
const MAX_CELLS = 20_000;
const MAX_BYTES = 4 << 20;

/**
 * Rows whose params, metrics and long fields are read from the records. Of wide rows DuckDB holds 2,048 and more, and of long
 * texts several copies; of a sorted page it reads the columns of a million runs: 13 of them took 180 ms, the records of 50 runs
 * take 5 ms.
 *
 * @param folder the experiment's
 */
export async function* storedCells(
  database: Database,
  folder: string,
  runs: LoadedRuns,
  selection: Selection,
): AsyncGenerator<readonly (readonly StoredCell[])[], void> {
  const query = new Query(runs);
  const columns = selection.columns.map((each, index) => ({
    ...each,
    parts: isInRecord(each) ? undefined : query.parts(each.column),
    index,
  }));
  const list = columns.flatMap(({ parts, index }) => (parts ? listParts(parts, index) : []));
  const sql = selectionSql(query, selection, [...list, 'segment', 'segment_offset'], runs.inCellOrder);
  const most = Math.ceil(MAX_CELLS / columns.length);
  let rows: StoredCell[][] = [];
  let size = 0;
  for await (const { row, record, bytes } of rowsWithRecords(database, folder, sql)) {
    rows.push(
      columns.map(({ column, parts, index }) =>
        parts ? fieldCell(column, readCell(row, index, parts)) : recordCell(record, column),
      ),
    );
    size += bytes;
    if (rows.length < most && size < MAX_BYTES) continue;
    yield rows;
    rows = [];
    size = 0;
  }
  if (rows.length > 0) yield rows;
}

/** The same with all texts, lists and objects. */
export async function* cellsOfRecords(
  ...query: Parameters<typeof storedCells>
): AsyncGenerator<readonly (readonly Cell[])[], void> {
  const { longest } = query[3];
  for await (const rows of storedCells(...query))
    yield rows.map((row) => row.map((cell) => wholeCell(cell, longest)));
}

/** Whether it is a param or metric. */
export const isValue = ({ column: { source } }: { readonly column: Column }): boolean =>
  source.of === 'params' || source.of === 'metrics';

/** Whether it is read from the record: fields that may have many megabytes are, too. */
export const isInRecord = ({ column }: { readonly column: Column }): boolean =>
  isValue({ column }) || (column.source.of === 'field' && isLongField(column.source.name));

/** The cell of a column that {@link isInRecord}. */
export function recordCell(record: StoredRunRecord, { source }: Column): StoredCell {
  if (source.of === 'field')
    return source.name === 'error'
      ? (record.error?.message ?? undefined)
      : textList(record[source.name as 'notes' | 'warnings']);
  const values = source.of === 'params' ? record.params : record.metrics;
  return Object.hasOwn(values ?? {}, source.key) ? values[source.key] : undefined;
}
