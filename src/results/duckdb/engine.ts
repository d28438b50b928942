import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { UsageError } from '../../definition/errors.js';
import { isMetricValue, type RunStatus } from '../../definition/record.js';
import { type StoredRunRecord, wholeRecord } from '../../storage/file/formats/long-record.js';
import type { ValueType } from '../../storage/file/formats/runs-file.js';
import type { QueryEngine, SqlAnswer, StoredRecord } from '../engine.js';
import { writeStoredCells } from '../export/parquet-rows.js';
import { typedColumns } from '../export/typed-columns.js';
import type { Cell, StoredCell } from '../query/cell.js';
import { type Column, Columns } from '../query/columns.js';
import type { Grouping } from '../query/grouping.js';
import type { BinCount, Histogram } from '../query/histogram.js';
import { SERIES_NAMES, type Selection } from '../query/selection.js';
import { cellsOfRecords, isInRecord, isValue, storedCells } from './cells-of-records.js';
import { castSql, Query, selectionSql } from './compile.js';
import { type Database, openDatabase, quoteName, quoteText } from './database.js';
import { groupColumns, histogramSql } from './group-sql.js';
import { groupsOf } from './groups.js';
import { type LoadedRuns, type LoadOptions, loadRuns } from './load-runs.js';
import { cellAt, fieldCell, listParts, readCell } from './read-cell.js';
import { rowsWithRecords } from './rows-with-records.js';
import { type LoadedPoints, openSeriesPoints } from './series-points.js';
import { seriesSql } from './series-sql.js';
import { SqlQueries } from './sql.js';

/** Of a compacted file, whose rows take little memory. */
const MAX_THREADS = 2;
/** Rows of more params and metrics are read from the records. */
const WIDE = 256;
/** Larger groups compress no better, and a group is held in memory while it is written. */
const PARQUET_GROUP_ROWS = 16_384;

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
    if (runs.inCellOrder)
      await database.run(`SET threads = ${Math.min(MAX_THREADS, availableParallelism())}`);
    const total = runs.inCellOrder ? runs.coverage!.runs : await countRows(database, new Query(runs), '');
    return new DuckdbEngine(database, runs, folder, total, options);
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
  readonly #options: LoadOptions;
  readonly #total: number;
  #points: Promise<LoadedPoints> | undefined;

  constructor(database: Database, runs: LoadedRuns, folder: string, total: number, options: LoadOptions) {
    this.#database = database;
    this.#runs = runs;
    this.#folder = folder;
    this.columns = new Columns(runs.occurrences, total);
    this.#total = total;
    this.#options = options;
    this.#sql = new SqlQueries({
      database,
      runs,
      columns: this.columns,
      points: () => this.#loadPoints(),
      cells: (columns) => storedCells(database, folder, runs, { ...ALL_RUNS, columns }),
    });
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
    return (await this.#database.all(sql)).map((row) => fieldCell(column, readCell(row, 0, parts)));
  }

  count(where: Parameters<QueryEngine['count']>[0]): Promise<number> {
    const query = new Query(this.#runs);
    const clause = query.where(where);
    return countRows(this.#database, query, clause);
  }

  cells(selection: Selection): AsyncGenerator<readonly (readonly Cell[])[], void> {
    const fromRecords = this.#isTooLarge(selection) || (!selection.series && isSortedPage(selection));
    return fromRecords
      ? cellsOfRecords(this.#database, this.#folder, this.#runs, selection)
      : this.#narrowCells(selection);
  }

  storedCells(selection: Selection): AsyncGenerator<readonly (readonly StoredCell[])[], void> {
    return this.#isTooLarge(selection)
      ? storedCells(this.#database, this.#folder, this.#runs, selection)
      : this.cells(selection);
  }

  /** Whether DuckDB would hold much more of the params and metrics than it gives. */
  #isTooLarge({ columns, series }: Selection): boolean {
    if (series) return false;
    return columns.filter(isValue).length > WIDE || (this.#runs.hasLongLines && columns.some(isInRecord));
  }

  typesOf(column: Column): ValueType[] {
    return new Query(this.#runs).typesOf(column);
  }

  async writeParquet(selection: Selection, file: string): Promise<void> {
    const columns = typedColumns(selection, (column) => this.typesOf(column));
    if (this.#isTooLarge(selection)) return writeStoredCells(this.storedCells(selection), columns, file);
    const query = new Query(this.#runs);
    const own = columns.flatMap(({ type, of }, at) =>
      of ? [`${castSql(query.part(of.column, of.valueType)!, type)} AS c${at}`] : [],
    );
    const rows = await this.#sqlOf(query, selection, own);
    // A user's names come last: any of them may be that of a column that the query itself needs.
    const list = columns.map(({ name, of }, at) => `${of ? `c${at}` : name} AS ${quoteName(name)}`);
    const sql = `SELECT ${list.join(', ')} FROM (${rows})`;
    const options = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${PARQUET_GROUP_ROWS}, USE_TMP_FILE false`;
    await this.#database.run(`COPY (${sql}) TO ${quoteText(file)} (${options})`);
  }

  async #sqlOf(query: Query, selection: Selection, list: readonly string[]): Promise<string> {
    if (!selection.series) return selectionSql(query, selection, list, this.#runs.inCellOrder);
    if (isWide(selection)) throw tooWide();
    return seriesSql(query, selection, list, (await this.#loadPoints()).sql, this.#runs.inCellOrder);
  }

  async seriesNames(): Promise<string[]> {
    const rows = await this.#database.all(`SELECT DISTINCT name FROM ${(await this.#loadPoints()).sql}`);
    return rows.map(({ name }) => String(name)).sort();
  }

  #loadPoints(): Promise<LoadedPoints> {
    this.#points ??= openSeriesPoints(this.#database, this.#folder, this.#runs, this.#options);
    this.#points.catch(() => {
      this.#points = undefined;
    });
    return this.#points;
  }

  async *#narrowCells(selection: Selection): AsyncGenerator<readonly (readonly Cell[])[], void> {
    const query = new Query(this.#runs);
    let place = 0;
    const columns = selection.columns.map(({ column }, index) => {
      const parts = query.parts(column);
      const list = listParts(parts, index, column.type === 'list' ? undefined : selection.longest);
      const places = parts.map(({ type }, at) => ({ type, at: place + at }));
      place += list.length;
      return { column, list, places };
    });
    const list = columns.flatMap((column) => column.list);
    const sql = await this.#sqlOf(query, selection, list.length > 0 ? list : ['1']);
    for await (const { rows } of this.#database.cells(sql))
      yield rows.map((row) => {
        const cells: Cell[] = columns.map(({ column, places }) => fieldCell(column, cellAt(row, places)));
        return selection.series ? cells.concat(row.slice(-SERIES_NAMES.length)) : cells;
      });
  }

  /** Of the segments' lines: what is compacted stands there too. */
  async *records(selection: Selection): AsyncGenerator<StoredRunRecord, void> {
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
      yield {
        record: wholeRecord(record),
        submission: dirname(String(row.segment)),
        derived: Object.fromEntries(derived),
      };
    }
  }

  groups(grouping: Grouping): ReturnType<QueryEngine['groups']> {
    const [database, folder, runs, total] = [this.#database, this.#folder, this.#runs, this.#total];
    return groupsOf({ database, folder, runs, total }, grouping);
  }

  async histogram(histogram: Histogram): Promise<BinCount[]> {
    const query = new Query(this.#runs);
    const keys = histogram.by.map((column) => ({ column, parts: query.parts(column) }));
    const rows = await this.#database.all(histogramSql(query, histogram));
    return rows.map((row) => ({
      keys: keys.map(({ column, parts }, index) =>
        fieldCell(column, readCell(row, index, parts, groupColumns.key)),
      ),
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
    void this.#points?.then(({ close }) => close());
  }
}

const ALL_RUNS = { where: [], sort: [], limit: undefined, offset: undefined };

/** Rows of a page, at most. */
const PAGE = 256;

const isSortedPage = ({ sort, limit = Number.POSITIVE_INFINITY }: Selection) =>
  sort.length > 0 && limit <= PAGE;

const isWide = ({ columns }: Selection) => columns.filter(isValue).length > WIDE;

const tooWide = () =>
  new UsageError({
    code: 'METALAB_EXPORT',
    what: `the points of series can't have more than ${WIDE} params and metrics of their runs beside them`,
    expected: 'fewer columns (--columns, or --with)',
  });
