import type { RunRecord } from '../../definition/record.js';
import type { Cell } from '../query/cell.js';
import type { Column } from '../query/columns.js';
import type { Selection } from '../query/selection.js';
import { Query, selectionSql } from './compile.js';
import type { Database } from './database.js';
import type { LoadedRuns } from './load-runs.js';
import { fieldCell, listParts, readCell } from './read-cell.js';
import { rowsWithRecords } from './rows-with-records.js';

/** Of a batch of rows. */
const MAX_CELLS = 20_000;

/**
 * Rows whose params and metrics are read from the records. Of wide rows DuckDB holds 2,048 and more; of a sorted page it
 * reads the columns of a million runs: 13 of them took 180 ms, the records of 50 runs take 5 ms.
 *
 * @param folder the experiment's
 */
export async function* cellsOfRecords(
  database: Database,
  folder: string,
  runs: LoadedRuns,
  selection: Selection,
): AsyncGenerator<readonly (readonly Cell[])[], void> {
  const query = new Query(runs);
  const columns = selection.columns.map((each, index) => ({
    ...each,
    parts: isInRecord(each) ? undefined : query.parts(each.column),
    index,
  }));
  const list = columns.flatMap(({ parts, index }) => (parts ? listParts(parts, index) : []));
  const sql = selectionSql(query, selection, [...list, 'segment', 'segment_offset'], runs.inCellOrder);
  const most = Math.ceil(MAX_CELLS / columns.length);
  let rows: Cell[][] = [];
  for await (const { row, record } of rowsWithRecords(database, folder, sql)) {
    rows.push(
      columns.map(({ column, parts, index }) =>
        parts ? fieldCell(column, readCell(row, index, parts)) : recordCell(record, column),
      ),
    );
    if (rows.length < most) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

export const isInRecord = ({ column }: { readonly column: Column }): boolean =>
  column.source.of === 'params' || column.source.of === 'metrics';

function recordCell(record: RunRecord, { source }: Column): Cell {
  const values = source.of === 'params' ? record.params : record.metrics;
  return source.of !== 'field' && Object.hasOwn(values ?? {}, source.key) ? values[source.key] : undefined;
}
