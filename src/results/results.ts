import type { Table as ArrowTable } from 'apache-arrow';
import type { JsonObject, JsonValue } from '../definition/json.js';
import type { Direction } from '../definition/objective.js';
import type { RunRecord, SeriesPoint } from '../definition/record.js';
import { type StoredRunRecord, wholeRecord } from '../storage/file/formats/long-record.js';
import type { SubmissionOutcome } from '../storage/manifest.js';
import type { ResultsStore } from '../storage/store.js';
import { bestQuery, objectiveOf } from './best.js';
import type { QueryEngine, SqlAnswer, SqlValue } from './engine.js';
import { Exported, type ExportOptions, exportFormatOf } from './export/exported.js';
import { Grouped } from './grouped.js';
import { makePivot, type Pivot, wholePivot } from './pivot.js';
import type { Row, StoredCell } from './query/cell.js';
import { check } from './query/check-query.js';
import type { ColumnName, ColumnValues } from './query/column-name.js';
import type { Column } from './query/columns.js';
import { type Condition, type Operator, resolveConditions } from './query/conditions.js';
import type { BinCount, Bins } from './query/histogram.js';
import { parseSortKey, type RowQuery, resolveSelection, type SortKey } from './query/selection.js';
import type { Statistic } from './query/statistics.js';
import { type ResultsSummary, summarise } from './results-summary.js';
import { shownColumns } from './shown-columns.js';
import type { Source } from './source.js';
import { StoredRun } from './stored-run.js';

/** Some columns of some runs, in memory. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** A stepped metric of a run, at one step. */
export type Point = Pick<SeriesPoint, 'run_id' | 'name' | 'step' | 'value'>;

/**
 * What an experiment's runs came to: one row a run, that of its final record. By default, exactly the cells of the latest
 * declaration, with its code and context. A query is a value: each method that refines it returns another. Nothing is
 * read before it is asked for. All questions see the runs that the store had at the first; those with `all()`, at the first
 * of theirs.
 */
export class Results<Params = JsonObject> {
  readonly experiment: string;
  /** How the submission ended that these are the results of; undefined where they were opened without one. */
  readonly outcome: SubmissionOutcome | undefined;
  readonly #source: Source;
  readonly #query: RowQuery;
  readonly #all: boolean;

  constructor(source: Source, query: RowQuery = {}, all = false) {
    this.#source = source;
    this.#query = query;
    this.#all = all;
    this.experiment = source.experiment;
    this.outcome = source.outcome;
  }

  /** Where the runs are. */
  get store(): ResultsStore {
    return this.#source.store;
  }

  #refine(query: RowQuery): Results<Params> {
    return new Results<Params>(this.#source, { ...this.#query, ...query }, this.#all);
  }

  /** Runs of older declarations too: other code, context, params or seeds. */
  all(): Results<Params> {
    return new Results<Params>(this.#source, this.#query, true);
  }

  /** Only runs that match all of these. */
  matching(conditions: readonly Condition[]): Results<Params> {
    check.matching(conditions);
    return this.#matching(conditions);
  }

  #matching(conditions: readonly Condition[]): Results<Params> {
    return this.#refine({ where: [...(this.#query.where ?? []), ...conditions] });
  }

  /**
   * Only runs whose column compares so with the value: `where('loss', '<', 0.5)`. `missing` and `present` take no value,
   * `in` a list of values.
   */
  where(column: ColumnName<Params>, op: Operator, value: JsonValue): Results<Params>;
  where(column: ColumnName<Params>, op: 'in', values: readonly JsonValue[]): Results<Params>;
  where(column: ColumnName<Params>, op: 'missing' | 'present'): Results<Params>;
  where(column: string, op: Condition['op'], value?: JsonValue | readonly JsonValue[]): Results<Params> {
    const condition = { column, op, [op === 'in' ? 'values' : 'value']: value } as Condition;
    check.where(condition);
    return this.#matching([condition]);
  }

  /** Only runs that have these values: `filter({ lr: 0.1, opt: 'adam' })`. */
  filter(values: ColumnValues<Params>): Results<Params> {
    check.filter(values);
    return this.#matching(Object.entries(values).map(([column, value]) => ({ column, op: '=', value })));
  }

  successful(): Results<Params> {
    return this.where('status', '=', 'success');
  }

  /** Only runs that have all of these tags. */
  tags(...tags: string[]): Results<Params> {
    check.tags(tags);
    return this.#matching(tags.map((tag) => ({ column: 'tags', op: '=', value: tag })));
  }

  failed(): Results<Params> {
    return this.where('status', '=', 'failed');
  }

  /** By these columns, one after the other; `-loss`: descending. Without a sort, rows are in the order of the cells. */
  sort(...keys: (string | SortKey)[]): Results<Params> {
    check.sort(keys);
    return this.#refine({ sort: keys.map((key) => (typeof key === 'string' ? parseSortKey(key) : key)) });
  }

  /** These columns, in this order. */
  select(...columns: ColumnName<Params>[]): Results<Params> {
    check.names('select', columns);
    return this.#refine({ columns });
  }

  limit(limit: number): Results<Params> {
    check.count('limit', limit);
    return this.#refine({ limit });
  }

  offset(offset: number): Results<Params> {
    check.count('offset', offset);
    return this.#refine({ offset });
  }

  /** Texts of more characters are cut to so many: for tables. */
  cutTexts(longest: number): Results<Params> {
    check.count('cutTexts', longest);
    return this.#refine({ longest });
  }

  /** Groups of runs that have the same values of these columns. */
  groupBy(...columns: ColumnName<Params>[]): Grouped<Results<Params>> {
    check.groupBy(columns);
    return new Grouped({
      engine: () => this.#engine(),
      by: columns,
      query: this.#query,
      all: this.#all,
      best: (by, metric, direction) => this.#best(metric, direction, by),
    });
  }

  /**
   * One statistic of a metric, with one row for each value of a column, and one column for each value of another. `sort` and
   * `limit` are of the rows.
   *
   * @throws UsageError where the column has more than 200 values, or the metric can't be averaged
   */
  async pivot(row: string, column: string, metric: string, statistic: Statistic = 'mean'): Promise<Pivot> {
    return wholePivot(await this.storedPivot(row, column, metric, statistic), this.#query.longest);
  }

  /** The same; long texts of keys stay where they are. */
  async storedPivot(
    row: string,
    column: string,
    metric: string,
    statistic: Statistic = 'mean',
  ): Promise<Pivot<StoredCell>> {
    check.pivot(row, column, metric, statistic);
    const { where = [] } = this.#query;
    const runs = new Results<Params>(this.#source, { where }, this.#all);
    const columns = await runs.groupBy(column).storedStats([], []);
    const rows = await this.groupBy(row).storedStats([], []);
    const cells = await runs.groupBy(row, column).storedStats(metric, [statistic]);
    return makePivot({ rows, columns, cells }, statistic);
  }

  /**
   * The best run first: of the objective, or of the least (`max`: most) of a metric. Only successful runs that have it.
   *
   * @throws UsageError where no run has the metric, or neither a metric nor an objective is named
   */
  async best(metric?: string, direction?: Direction): Promise<Results<Params>> {
    check.best(metric, direction);
    return this.#best(metric, direction);
  }

  /** @param by the columns of the groups of which each has a best run */
  async #best(
    metric: string | undefined,
    direction: Direction | undefined,
    by?: readonly string[],
  ): Promise<Results<Params>> {
    const { store } = this.#source;
    const objective = await objectiveOf(store, this.experiment, metric, direction);
    const { limit, ...best } = bestQuery(await this.columns(), objective, this.#query);
    if (!by) return this.#refine({ ...best, limit });
    const sort = [...by.map((column) => ({ column })), ...best.sort];
    const { limit: _, offset: __, ...query } = this.#query;
    return new Results<Params>(this.#source, { ...query, ...best, sort, each: { by, limit } }, this.#all);
  }

  /** Every column that there is. */
  async columns(): Promise<readonly Column[]> {
    return (await this.#engine()).columns.all;
  }

  /**
   * The columns of these names.
   *
   * @throws UsageError naming the nearest columns of every name that is none
   */
  async resolveColumns(names: readonly string[]): Promise<readonly Column[]> {
    check.names('resolveColumns', names);
    return (await this.#engine()).columns.resolve(names);
  }

  /**
   * How many runs have a number in each bin, by the values of some columns. The conditions must leave only finite numbers,
   * positive ones where the bins are logarithmic.
   */
  async histogram(column: string, bins: Bins, by: readonly string[] = []): Promise<BinCount[]> {
    check.histogram(column, bins, by);
    const engine = await this.#engine();
    const [resolved] = engine.columns.resolve([column]);
    const where = resolveConditions(this.#query.where ?? [], engine.columns);
    return engine.histogram({ column: resolved!, by: engine.columns.resolve(by), bins, where });
  }

  /** The points of series of the runs that match: of these names, else of all. In constant memory. */
  async *seriesPoints(...names: string[]): AsyncGenerator<Point, void> {
    const engine = await this.#engine();
    const selection = resolveSelection({ ...this.#query, columns: ['run_id'] }, engine.columns);
    for await (const rows of engine.cells({ ...selection, series: names }))
      for (const [run_id, name, step, value] of rows) yield { run_id, name, step, value } as Point;
  }

  /** The names of all series, whichever runs they are of. */
  async seriesNames(): Promise<readonly string[]> {
    return (await this.#engine()).seriesNames();
  }

  /** What other programs read: rows of the runs, or points of their series, with the columns selected or of these kinds. */
  async exported(options: ExportOptions = {}): Promise<Exported> {
    return Exported.of(await this.#engine(), this.#query, this.#all, options);
  }

  /**
   * Writes that to a new file, in constant memory: `export('runs.parquet')`, or `.csv`, `.ndjson`, `.arrow`.
   *
   * @param options.force replaces a file that is there
   * @throws UsageError if it exists or can't be written, or a column or series is unknown
   */
  async export(file: string, options: ExportOptions & { readonly force?: boolean } = {}): Promise<void> {
    const format = exportFormatOf(file);
    await (await this.exported(options)).write({ target: file, force: options.force ?? false }, format);
  }

  /** The same as an Arrow table, in memory. */
  async arrow(options: ExportOptions = {}): Promise<ArrowTable> {
    const { tableFromIPC } = await import('apache-arrow');
    return tableFromIPC((await this.exported(options)).pieces('arrow') as AsyncIterable<Uint8Array>);
  }

  /**
   * What a table shows where nothing else is asked for: params that vary, replicate and metrics; status where not all is
   * success; with `all()` what tells runs of different declarations apart.
   */
  async shownColumns(): Promise<readonly string[]> {
    return this.#query.columns ?? shownColumns(await this.#engine(), this.#all);
  }

  /** Lines of the segments that are left out, since they are no records; `metalab store check` names them. */
  async damaged(): Promise<number> {
    return (await this.#engine()).damaged;
  }

  /** How many runs match: the limit does not count. */
  async count(): Promise<number> {
    const engine = await this.#engine();
    return engine.count(resolveConditions(this.#query.where ?? [], engine.columns));
  }

  /** Rows of cells by column name, in constant memory: of all columns, where none were selected. */
  async *rows(): AsyncGenerator<Row, void> {
    for await (const batch of this.batches()) yield* batch;
  }

  /** The same, many at a time. */
  async *batches(): AsyncGenerator<readonly Row[], void> {
    const engine = await this.#engine();
    const selection = resolveSelection(this.#query, engine.columns);
    const names = selection.columns.map(({ as }) => as);
    for await (const rows of engine.cells(selection))
      yield rows.map((cells): Row => Object.fromEntries(cells.map((cell, at) => [names[at]!, cell])));
  }

  /** The rows in memory, with the columns that a table shows. */
  async table(): Promise<Table> {
    const columns = await this.shownColumns();
    const rows: Row[] = [];
    for await (const batch of this.select(...columns).batches()) rows.push(...batch);
    return { columns, rows };
  }

  /** Complete records as they are stored, in constant memory. */
  async *records(): AsyncGenerator<RunRecord, void> {
    for await (const record of this.storedRecords()) yield wholeRecord(record);
  }

  /** The same; long texts stay where they are. */
  async *storedRecords(): AsyncGenerator<StoredRunRecord, void> {
    const engine = await this.#engine();
    yield* engine.records(resolveSelection({ ...this.#query, columns: [] }, engine.columns));
  }

  /** The runs, with what stands beside their records, in constant memory. */
  async *runs(): AsyncGenerator<StoredRun<Params>, void> {
    const engine = await this.#engine();
    const selection = resolveSelection({ ...this.#query, columns: [] }, engine.columns);
    for await (const stored of engine.runs(selection))
      yield new StoredRun<Params>(this.#source.store, stored);
  }

  /**
   * One SELECT in DuckDB's SQL: results.sql`SELECT max(loss) FROM runs WHERE lr = ${lr}`. Values are bound, never spliced.
   * It can read these relations and no files, and write nothing: `runs`, with the columns of `columns()` (values of another
   * type are in `NAME (TYPE)`); `series` (run_id, name, step, value); `derived` (run_id, name, value, text); `artifacts`
   * (run_id, name, kind, format, uri, size_bytes, content_hash). They have the runs that match the query's conditions,
   * whatever its limit, sort and columns.
   *
   * @throws UsageError where it is no SELECT, or fails, or has `*` of runs with more than 256 columns
   */
  async sql(texts: TemplateStringsArray, ...values: SqlValue[]): Promise<SqlAnswer> {
    check.sql(texts);
    return this.query(
      texts.reduce((text, next, index) => `${text}$${index}${next}`),
      values,
    );
  }

  /** The same of a text, whose parameters are `$1`, `$2`… */
  async query(text: string, values: readonly SqlValue[] = []): Promise<SqlAnswer> {
    check.query(text, values);
    const engine = await this.#engine();
    return engine.sql(text, values, resolveConditions(this.#query.where ?? [], engine.columns));
  }

  summary(): Promise<ResultsSummary> {
    const whole = this.#refine({ longest: undefined });
    return summarise({ byStatus: whole.groupBy('status'), together: whole.groupBy() });
  }

  /** Frees the memory of all queries of these results. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #engine(): Promise<QueryEngine> {
    return this.#source.engine(this.#all);
  }
}
