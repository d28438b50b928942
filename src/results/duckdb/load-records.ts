import type { JsonValue } from '../../definition/json.js';
import type { RunRecord } from '../../definition/record.js';
import type { UncoveredSegment } from '../../storage/file/formats/coverage.js';
import { forEachLine, lineChunks } from '../../storage/file/formats/lines.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import type { Occurrence, ValueSource, ValueType } from '../../storage/file/formats/runs-file.js';
import { OccurrenceCounter } from '../query/occurrence.js';
import { type Database, globLiteral, quoteName, quoteText, type TableColumn } from './database.js';
import { fieldValues, PLACE_COLUMNS, RECORD_FIELD_NAMES, RECORD_FIELDS } from './record-table.js';
import { PART_TYPES, partKey, partValue, type ValuePart } from './value-parts.js';

/** Rows of one table: beyond these they go to a Parquet file, and the next table begins. */
const MAX_BYTES = 12 * 1024 * 1024;
const MAX_ROWS = 16_384;
/** DuckDB holds 16 KB and more of every column of a table: values of thousands of metrics are in several tables. */
const SLICE_COLUMNS = 256;

/** The column of a record's values of one type, and which of the tables it is in. */
export interface LoadedPart {
  readonly part: ValuePart;
  readonly name: string;
  readonly slice: number;
}

/** The records of segments, in the table or view `loaded`; {@link loadedRows} has the values of further ones. */
export interface LoadedRecords {
  /** The columns of params and metrics, by `partKey`. */
  readonly parts: ReadonlyMap<string, LoadedPart>;
  readonly occurrences: readonly Occurrence[];
  readonly rows: number;
  /** Lines that are no records. */
  readonly damaged: number;
}

/** `loaded` with the values of these slices, as SQL after FROM. */
export function loadedRows(slices: ReadonlySet<number>): string {
  const further = [...slices].filter((slice) => slice > 0);
  const joins = further.map((slice) => ` LEFT JOIN ${tableOf(slice)} USING (loaded_row)`);
  return further.length === 0 ? 'loaded' : `(SELECT * FROM loaded${joins.join('')})`;
}

const tableOf = (slice: number) => (slice === 0 ? 'loaded' : `loaded_${slice}`);

/**
 * Makes `loaded`: one row for every record that the segments' lines hold and that is wanted. Lines are parsed here, one at
 * a time: DuckDB reads JSON 2,048 lines at a time, whose records of 100 KB do not fit into its memory.
 */
export async function loadRecords(
  database: Database,
  segments: readonly UncoveredSegment[],
  wanted: (record: RunRecord) => boolean,
): Promise<LoadedRecords> {
  const loader = new Loader(database);
  let damaged = 0;
  for (const { name, path, from, to } of segments) {
    for await (const chunk of lineChunks(path, { from, to })) {
      forEachLine(
        chunk,
        (bytes, start, end, offset) => {
          const record = readRecord(bytes, start, end);
          if (!record) damaged++;
          else if (wanted(record)) loader.add(record, name, offset, end - start);
        },
        () => damaged++,
      );
      if (loader.isFull) await loader.flush();
    }
  }
  return { ...(await loader.end()), damaged };
}

/** A param or metric that occurs, and its columns by the type of their values. */
interface LoadedName {
  readonly source: ValueSource;
  readonly key: string;
  readonly counter: OccurrenceCounter;
  readonly columns: Partial<Record<ValueType, LoadedColumn>>;
}

/** A column's values since the last flush: rows after the last value have none. */
interface LoadedColumn extends LoadedPart {
  values: unknown[];
}

class Loader {
  readonly #database: Database;
  readonly #names = { params: new Map<string, LoadedName>(), metrics: new Map<string, LoadedName>() };
  readonly #columns: LoadedColumn[] = [];
  /** By slice. */
  readonly #files: string[][] = [[]];
  #fields = emptyFields();
  #rows = 0;
  #bytes = 0;
  #total = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES || this.#rows >= MAX_ROWS;
  }

  add(record: RunRecord, segment: string, offset: number, bytes: number): void {
    const values = fieldValues(record);
    for (let at = 0; at < values.length; at++) this.#fields[at]!.push(values[at] ?? null);
    this.#fields[values.length]!.push(segment);
    this.#fields[values.length + 1]!.push(offset);
    this.#addValues('params', record.params);
    this.#addValues('metrics', record.metrics);
    this.#rows++;
    this.#bytes += bytes;
  }

  #addValues(source: 'params' | 'metrics', values: { readonly [key: string]: JsonValue } | undefined): void {
    if (typeof values !== 'object' || values === null) return;
    const names = this.#names[source];
    for (const key of Object.keys(values)) {
      const value = values[key]!;
      let name = names.get(key);
      if (!name) {
        name = { source, key, counter: new OccurrenceCounter(), columns: {} };
        names.set(key, name);
      }
      name.counter.add(value);
      const { type, stored } = partValue(value);
      const column = name.columns[type] ?? this.#addColumn(name, type);
      while (column.values.length < this.#rows) column.values.push(null);
      column.values.push(stored);
    }
  }

  #addColumn({ source, key, columns }: LoadedName, type: ValueType): LoadedColumn {
    const number = this.#columns.length;
    const slice = Math.floor(number / SLICE_COLUMNS);
    const column = { part: { source, key, type }, name: `v${number}`, slice, values: [] };
    this.#columns.push(column);
    columns[type] = column;
    return column;
  }

  /** Writes what was added so far to files. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    for (const [slice, columns] of this.#takeColumns()) {
      // Most fields are the same in all of these rows: to give DuckDB a text takes 0.3 µs.
      const [same, varying] = partition(columns, isConstant);
      await this.#database.create('batch', varying);
      this.#files[slice] ??= [];
      const files = this.#files[slice];
      const file = this.#database.scratch.file(`loaded-${slice}-${files.length}.parquet`);
      const list = ['*', ...same.map(constantSql)].join(', ');
      await this.#database.run(
        `COPY (SELECT ${list} FROM batch) TO ${quoteText(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
      );
      await this.#database.run('DROP TABLE batch');
      files.push(file);
    }
  }

  async end(): Promise<Omit<LoadedRecords, 'damaged'>> {
    if (this.#files[0]!.length === 0 && this.#columns.length <= SLICE_COLUMNS) {
      for (const [slice, columns] of this.#takeColumns())
        await this.#database.create(tableOf(slice), columns);
    } else {
      await this.flush();
      for (const [slice, files = []] of this.#files.entries()) {
        const list = files.map((file) => quoteText(globLiteral(file))).join(', ');
        await this.#database.run(
          `CREATE VIEW ${tableOf(slice)} AS SELECT * FROM read_parquet([${list}], union_by_name = true)`,
        );
      }
    }
    const names = [...this.#names.params.values(), ...this.#names.metrics.values()];
    return {
      parts: new Map(this.#columns.map(({ part, name, slice }) => [partKey(part), { part, name, slice }])),
      occurrences: names.map(({ source, key, counter }) => counter.occurrence(source, key)),
      rows: this.#total,
    };
  }

  /** The columns of the rows that were added since the last time, by slice. A row's number joins them. */
  #takeColumns(): Map<number, TableColumn[]> {
    const numbers = Array.from({ length: this.#rows }, (_, row) => this.#total + row);
    const rowNumber: TableColumn = { name: 'loaded_row', type: 'BIGINT', values: numbers };
    const types = [...Object.values(RECORD_FIELDS), ...Object.values(PLACE_COLUMNS)];
    const names = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)];
    const fields = names.map((name, at) => ({ name, type: types[at]!, values: this.#fields[at]! }));
    const slices = new Map<number, TableColumn[]>([[0, [rowNumber, ...fields]]]);
    for (const column of this.#columns) {
      const { values, part, name, slice } = column;
      if (values.length === 0) continue;
      while (values.length < this.#rows) values.push(null);
      const columns = slices.get(slice) ?? [rowNumber];
      slices.set(slice, columns);
      columns.push({ name, type: PART_TYPES[part.type], values });
      column.values = [];
    }
    this.#total += this.#rows;
    this.#fields = emptyFields();
    this.#rows = 0;
    this.#bytes = 0;
    return slices;
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function isConstant({ type, values }: TableColumn): boolean {
  const [first] = values;
  return type === 'VARCHAR' && values.every((value) => value === first);
}

const constantSql = ({ name, type, values: [value] }: TableColumn) =>
  `CAST(${value === null ? 'NULL' : quoteText(String(value))} AS ${type}) AS ${quoteName(name)}`;

const emptyFields = (): unknown[][] =>
  Array.from({ length: RECORD_FIELD_NAMES.length + Object.keys(PLACE_COLUMNS).length }, () => []);
