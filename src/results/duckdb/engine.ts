import { dirname } from 'node:path';
import type { JsonValue } from '../../definition/json.js';
import { isMetricValue, type RunRecord, type RunStatus } from '../../definition/record.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { QueryEngine, SqlAnswer, StoredRecord } from '../engine.js';
import type { Cell, Row } from '../query/cell.js';
import { type Column, Columns } from '../query/columns.js';
import type { Group, Grouping, Summary } from '../query/grouping.js';
import type { BinCount, Histogram } from '../query/histogram.js';
import type { Selection } from '../query/selection.js';
import { meanInterval, proportionInterval } from '../query/statistics.js';
import {
  groupColumns,
  groupingSql,
  histogramSql,
  type Part,
  Query,
  type RawStatistic,
  selectionSql,
} from './compile.js';
import { type Database, openDatabase } from './database.js';
import { type LoadedRuns, type LoadOptions, loadRuns } from './load-runs.js';
import { rowsWithRecords } from './rows-with-records.js';
import { SqlQueries } from './sql.js';
import { partKey } from './value-parts.js';

/** Statistics of so many metrics are computed in one pass over the runs: more take more memory. */
const METRICS_AT_ONCE = 32;
/** Rows of more params and metrics are read from the records. */
const WIDE = 256;
/** Of a batch of such rows. */
const WIDE_CELLS = 20_000;

/**
 * Queries the files of an experiment by DuckDB.
 *
 * @param folder the experiment's folder in the store
 */
export async function openDuckdbEngine(folder: string, options: LoadOptions): Promise<QueryEngine> {
  const database = await openDatabase();
  let runs: LoadedRuns | undefined;
  try {
    const { submissions } = options;
    await database.create('submissions', [
      { name: 'submission', type: 'VARCHAR', values: submissions.map(({ submission }) => submission) },
      { name: 'seed_base', type: 'DOUBLE', values: submissions.map(({ seed_base }) => seed_base) },
    ]);
    runs = await loadRuns(database, folder, options);
    const total = runs.inCellOrder ? runs.coverage!.runs : await countRows(database, new Query(runs), '');
    return new DuckdbEngine(database, runs, folder, new Columns(runs.occurrences, total));
  } catch (error) {
    database.close();
    await runs?.close();
    throw error;
  }
}

async function countRows(database: Database, query: Query, where: string): Promise<number> {
  const [row] = await database.all(`SELECT count(*) AS n FROM ${query.from()} ${where}`);
  return Number(row?.n ?? 0);
}

class DuckdbEngine implements QueryEngine {
  readonly columns: Columns;
  readonly #database: Database;
  readonly #runs: LoadedRuns;
  readonly #folder: string;
  readonly #sql: SqlQueries;

  constructor(database: Database, runs: LoadedRuns, folder: string, columns: Columns) {
    this.#database = database;
    this.#runs = runs;
    this.#folder = folder;
    this.columns = columns;
    this.#sql = new SqlQueries({ database, folder, runs, columns });
  }

  get damaged(): number {
    return this.#runs.damaged;
  }

  async statuses(): Promise<RunStatus[]> {
    const { coverage, inCellOrder } = this.#runs;
    if (coverage && inCellOrder) return [...new Set(coverage.statuses.map(({ status }) => status))];
    const rows = await this.#database.all(`SELECT DISTINCT status FROM ${new Query(this.#runs).from()}`);
    return rows.map(({ status }) => status as RunStatus);
  }

  async distinct(column: Column, most: number): Promise<Cell[]> {
    const query = new Query(this.#runs);
    const parts = query.parts(column);
    const sql = `SELECT DISTINCT ${listParts(parts, 0).join(', ')} FROM ${query.from()} LIMIT ${most}`;
    return (await this.#database.all(sql)).map((row) => readCell(row, 0, parts));
  }

  count(where: Parameters<QueryEngine['count']>[0]): Promise<number> {
    const query = new Query(this.#runs);
    const clause = query.where(where);
    return countRows(this.#database, query, clause);
  }

  rows(selection: Selection): AsyncGenerator<readonly Row[], void> {
    const values = selection.columns.filter(isInRecord);
    return values.length > WIDE ? this.#wideRows(selection) : this.#narrowRows(selection);
  }

  /** Params and metrics are read from the records: DuckDB holds 2,048 rows and more of all columns. */
  async *#wideRows(selection: Selection): AsyncGenerator<readonly Row[], void> {
    const query = new Query(this.#runs);
    const columns = selection.columns.map((each, index) => ({
      ...each,
      parts: isInRecord(each) ? undefined : query.parts(each.column),
      index,
    }));
    const list = columns.flatMap(({ parts, index }) => (parts ? listParts(parts, index) : []));
    const place = ['segment', 'segment_offset'];
    const sql = selectionSql(query, selection, [...list, ...place], this.#runs.inCellOrder);
    const most = Math.ceil(WIDE_CELLS / columns.length);
    let rows: Row[] = [];
    for await (const { row, record } of rowsWithRecords(this.#database, this.#folder, sql)) {
      rows.push(
        Object.fromEntries(
          columns.map(({ as, column, parts, index }) => [
            as,
            parts ? fieldCell(column, readCell(row, index, parts)) : recordCell(record, column),
          ]),
        ),
      );
      if (rows.length < most) continue;
      yield rows;
      rows = [];
    }
    if (rows.length > 0) yield rows;
  }

  async *#narrowRows(selection: Selection): AsyncGenerator<readonly Row[], void> {
    const query = new Query(this.#runs);
    const columns = selection.columns.map(({ column, as }) => ({ as, parts: query.parts(column), column }));
    const list = columns.flatMap(({ parts }, index) => listParts(parts, index));
    const sql = selectionSql(query, selection, list.length > 0 ? list : ['1'], this.#runs.inCellOrder);
    for await (const batch of this.#database.batches(sql)) {
      yield batch.map((row) =>
        Object.fromEntries(
          columns.map(({ as, parts, column }, index) => [as, fieldCell(column, readCell(row, index, parts))]),
        ),
      );
    }
  }

  /** Of the segments' lines: what is compacted stands there too. */
  async *records(selection: Selection): AsyncGenerator<RunRecord, void> {
    const query = new Query(this.#runs);
    const sql = selectionSql(query, selection, ['segment', 'segment_offset'], this.#runs.inCellOrder);
    for await (const { record } of rowsWithRecords(this.#database, this.#folder, sql)) yield record;
  }

  async *runs(selection: Selection): AsyncGenerator<StoredRecord, void> {
    const query = new Query(this.#runs);
    const columns = this.columns.ofKind('derived').map((column) => ({ column, parts: query.parts(column) }));
    const list = [
      ...columns.flatMap(({ parts }, index) => listParts(parts, index)),
      'segment',
      'segment_offset',
    ];
    const sql = selectionSql(query, selection, list, this.#runs.inCellOrder);
    for await (const { row, record } of rowsWithRecords(this.#database, this.#folder, sql)) {
      const derived = columns.flatMap(({ column: { source }, parts }, index) => {
        const cell = readCell(row, index, parts);
        return source.of === 'derived' && isMetricValue(cell) ? [[source.key, cell] as const] : [];
      });
      yield { record, submission: dirname(String(row.segment)), derived: Object.fromEntries(derived) };
    }
  }

  async groups(grouping: Grouping): Promise<{ readonly groups: readonly Group[]; readonly total: number }> {
    const summaries: Summary[][] = [];
    let groups: Omit<Group, 'summaries'>[] = [];
    let total = 0;
    const inOrder = this.#inStoredOrder(grouping.metrics);
    for (let from = 0; from === 0 || from < inOrder.length; from += METRICS_AT_ONCE) {
      const metrics = inOrder.slice(from, from + METRICS_AT_ONCE);
      const query = new Query(this.#runs);
      const keys = grouping.by.map(({ column }) => ({ column, parts: query.parts(column) }));
      const sql = groupingSql(
        query,
        grouping,
        metrics.map(({ metric }) => metric),
      );
      const rows = await this.#database.all(sql);
      total = Number(rows[0]?.[groupColumns.total] ?? 0);
      // The order is total, so each pass has the same groups in the same order.
      if (from === 0) groups = rows.map((row) => readGroup(row, keys));
      for (const [group, row] of rows.entries()) {
        summaries[group] ??= [];
        for (const [index, { metric, place }] of metrics.entries())
          summaries[group][place] = readSummary(row, index, metric, grouping);
      }
    }
    return { groups: groups.map((group, at) => ({ ...group, summaries: summaries[at]! })), total };
  }

  /** Neighbours are in the same table: one pass reads few of them. */
  #inStoredOrder(metrics: readonly Column[]): { readonly metric: Column; readonly place: number }[] {
    const places = metrics.map((metric, place) => ({ metric, place }));
    if (metrics.length <= METRICS_AT_ONCE) return places;
    const stored = new Map([...this.#runs.parts.values()].map((part, at) => [partKey(part), at]));
    const storedAt = ({ metric: { source, type } }: { readonly metric: Column }) =>
      (source.of !== 'field' && type !== 'list'
        ? stored.get(partKey({ source: source.of, key: source.key, type }))
        : undefined) ?? -1;
    return places.sort((a, b) => storedAt(a) - storedAt(b));
  }

  async histogram(histogram: Histogram): Promise<BinCount[]> {
    const query = new Query(this.#runs);
    const keys = histogram.by.map((column) => query.parts(column));
    const rows = await this.#database.all(histogramSql(query, histogram));
    return rows.map((row) => ({
      keys: keys.map((parts, index) => readCell(row, index, parts, groupColumns.key)),
      bin: Number(row.bin),
      n: Number(row.n),
    }));
  }

  sql(...statement: Parameters<QueryEngine['sql']>): Promise<SqlAnswer> {
    return this.#sql.answer(...statement);
  }

  close(): void {
    this.#sql.close();
    this.#database.close();
    void this.#runs.close();
  }
}

const isInRecord = ({ column }: { readonly column: Column }) =>
  column.source.of === 'params' || column.source.of === 'metrics';

function recordCell(record: RunRecord, { source }: Column): Cell {
  const values = source.of === 'params' ? record.params : record.metrics;
  return source.of !== 'field' && Object.hasOwn(values ?? {}, source.key) ? values[source.key] : undefined;
}

const fieldCell = ({ type }: Column, cell: Cell): Cell =>
  type === 'list' && typeof cell === 'string' ? JSON.parse(cell) : cell;

const partName = (index: number, type: ValueType) => `c${index}_${type}`;

const listParts = (parts: readonly Part[], index: number): string[] =>
  parts.length === 0
    ? [`NULL AS ${partName(index, 'null')}`]
    : parts.map(({ type, sql }) => `${sql} AS ${partName(index, type)}`);

function readCell(row: Row, index: number, parts: readonly Part[], name = partName): Cell {
  for (const { type } of parts) {
    const value = row[name(index, type)];
    if (value === null || value === undefined) continue;
    if (type === 'null') return null;
    return type === 'json' ? (JSON.parse(String(value)) as JsonValue) : value;
  }
  return undefined;
}

function readGroup(
  row: Row,
  keys: readonly { readonly column: Column; readonly parts: readonly Part[] }[],
): Omit<Group, 'summaries'> {
  return {
    keys: keys.map(({ parts }, index) => readCell(row, index, parts, groupColumns.key)),
    n: Number(row[groupColumns.success]),
    left_out: Number(row[groupColumns.others]),
  };
}

function readSummary(row: Row, index: number, { type }: Column, { statistics }: Grouping): Summary {
  const value = (statistic: RawStatistic) => {
    const cell = row[groupColumns.statistic(index, statistic)];
    return typeof cell === 'number' ? cell : null;
  };
  const n = value('n') ?? 0;
  const [mean, std] = [value('mean'), n < 2 ? null : value('std')];
  const interval =
    mean === null ? null : type === 'boolean' ? proportionInterval(n, mean) : meanInterval(n, mean, std);
  const all = {
    mean,
    std,
    sem: std === null ? null : std / Math.sqrt(n),
    ci95: interval?.half ?? null,
    median: value('median'),
    min: value('min'),
    max: value('max'),
  };
  return {
    n,
    nonfinite: value('nonfinite') ?? 0,
    others: value('others') ?? 0,
    ...Object.fromEntries(
      statistics.flatMap((statistic) => (statistic === 'n' ? [] : [[statistic, all[statistic]]])),
    ),
    ...(statistics.includes('ci95') ? { low: interval?.low ?? null, high: interval?.high ?? null } : {}),
  };
}
