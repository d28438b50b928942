import type { RunStatus } from '../../definition/record.js';
import { type Current, isCurrent } from '../current.js';
import type { QueryEngine } from '../engine.js';
import { Columns, columnsOf } from '../query/columns.js';
import { cellRanges } from './cell-ranges.js';
import { columnList, groupingSql, selectionSql, whereSql } from './compile.js';
import { type Database, openDatabase } from './database.js';
import { type LoadedRuns, loadRuns } from './load-runs.js';
import { findOccurrences } from './occurrences.js';
import { RECORD_JSON } from './record-columns.js';
import { parseRecord } from './record-json.js';

/**
 * Queries the files of an experiment by DuckDB.
 *
 * @param folder the experiment's folder in the store
 * @param current only records of this code and context; null: all
 */
export async function openDuckdbEngine(folder: string, current: Current | null): Promise<QueryEngine> {
  const database = await openDatabase();
  let loaded: LoadedRuns | undefined;
  try {
    loaded = await loadRuns(database, folder, current);
    return makeEngine(database, loaded, await findColumns(database, loaded, current));
  } catch (error) {
    database.close();
    await loaded?.close();
    throw error;
  }
}

function makeEngine(database: Database, loaded: LoadedRuns, columns: Columns): QueryEngine {
  const inCellOrder = loaded.coverage !== undefined;
  return {
    columns,
    damaged: loaded.damaged,
    async statuses() {
      const rows = await database.all('SELECT DISTINCT status FROM runs');
      return rows.map(({ status }) => status as RunStatus);
    },
    async count(where) {
      const [row] = await database.all(`SELECT count(*) AS n FROM runs ${whereSql(where)}`);
      return Number(row?.n ?? 0);
    },
    rows: (selection) =>
      database.batches(selectionSql(selection, { list: columnList(selection), inCellOrder })),
    async *records(selection) {
      const { sort, limit, offset } = selection;
      const whole = inCellOrder || sort.length > 0 || limit !== undefined || offset !== undefined;
      for (const range of whole ? ['true'] : await cellRanges(database, loaded)) {
        const sql = selectionSql(selection, { list: `${RECORD_JSON} AS record`, inCellOrder, range });
        for await (const batch of database.batches(sql)) {
          for (const { record } of batch) yield parseRecord(String(record));
        }
      }
    },
    groups: (grouping) => database.all(groupingSql(grouping)),
    close() {
      database.close();
      void loaded.close();
    },
  };
}

/**
 * The columns of the view `runs`. The compacted records say which params and metrics occur in them; otherwise finding
 * them takes some 3 s of 1,000,000 runs on a busy machine.
 */
async function findColumns(
  database: Database,
  { coverage }: LoadedRuns,
  current: Current | null,
): Promise<Columns> {
  const counted = <T extends Current>(list: readonly T[]) =>
    current ? list.filter((entry) => isCurrent(entry, current)) : list;
  const compacted = coverage?.occurrences && coverage;
  const occurrences = compacted ? counted(compacted.occurrences!) : await findOccurrences(database);
  const total = compacted
    ? counted(compacted.statuses).reduce((sum, { n }) => sum + n, 0)
    : Number((await database.all('SELECT count(*) AS n FROM runs'))[0]?.n ?? 0);
  return new Columns(columnsOf('params', occurrences, total), columnsOf('metrics', occurrences, total));
}
