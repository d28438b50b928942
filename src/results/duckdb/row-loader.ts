import type { StoredValue } from '../../storage/file/formats/long-record.js';
import { isLongValue, LongText, LongTextList } from '../../storage/file/formats/long-text.js';
import type { Occurrence, ValueSource, ValueType } from '../../storage/file/formats/runs-file.js';
import { type ParquetColumn, writeParquetRows } from '../export/parquet-rows.js';
import type { FileType } from '../export/typed-columns.js';
import { OccurrenceCounter } from '../query/occurrence.js';
import { type Database, globLiteral, quoteName, quoteText, type TableColumn, toBigInt } from './database.js';
import { PART_TYPES, partKey, partValue, type ValuePart } from './value-parts.js';

/** Rows of one table: beyond these they go to a Parquet file, and the next table begins. */
const MAX_BYTES = 12 * 1024 * 1024;
const MAX_ROWS = 16_384;
/** DuckDB holds 16 KB and more of every column of a table: values of thousands of metrics are in several tables. */
const SLICE_COLUMNS = 256;

const MAX_CONSTANT_LENGTH = 1000;
/** Characters of a text that is given to DuckDB as a value, not in a file. */
const MAX_IN_DUCKDB = 1 << 20;

/** The column of a row's values of one type, and which of the tables it is in. */
export interface LoadedPart {
  readonly part: ValuePart;
  readonly name: string;
  readonly slice: number;
}

/** Rows with the values of some names, in the table or view of the loader's name; {@link slicedRows} has the values of further ones. */
export interface LoadedRows {
  /** The columns of values, by `partKey`. */
  readonly parts: ReadonlyMap<string, LoadedPart>;
  readonly occurrences: readonly Occurrence[];
  readonly rows: number;
  /** Whether a field of some has a list with texts of many megabytes. */
  readonly hasLongLists: boolean;
}

/**
 * A table with some of its columns, as SQL after FROM: to plan a query takes DuckDB longer the more there are.
 *
 * @param fields names of columns that are no values
 */
export function slicedRows(table: string, fields: readonly string[], parts: readonly LoadedPart[]): string {
  const further = [...new Set(parts.map(({ slice }) => slice))].filter((slice) => slice > 0);
  const joins = further.map((slice) => ` LEFT JOIN ${tableOf(table, slice)} USING (loaded_row)`);
  const list = [...fields.map(quoteName), ...parts.map(({ name }) => name)];
  return `(SELECT ${list.join(', ')} FROM ${table}${joins.join('')})`;
}

const tableOf = (table: string, slice: number) => (slice === 0 ? table : `${table}_${slice}`);

/** A name that occurs, and its columns by the type of their values. */
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

/** Gives rows to DuckDB: fields that all rows have, and values by their names and types. */
export class RowLoader {
  readonly #database: Database;
  readonly #table: string;
  /** Names of the fields, and their types. */
  readonly #types: readonly (readonly [string, string])[];
  readonly #names: { readonly [source in ValueSource]: Map<string, LoadedName> } = {
    params: new Map(),
    metrics: new Map(),
    derived: new Map(),
  };
  readonly #columns: LoadedColumn[] = [];
  /** By slice. */
  readonly #files: string[][] = [[]];
  #fields: unknown[][];
  #rows = 0;
  #bytes = 0;
  #total = 0;
  /** Whether the rows since the last flush have any. */
  #hasLongTexts = false;
  #hasLongLists = false;

  /** @param fields types of DuckDB by name */
  constructor(database: Database, table: string, fields: { readonly [name: string]: string }) {
    this.#database = database;
    this.#table = table;
    this.#types = Object.entries(fields);
    this.#fields = this.#types.map(() => []);
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES || this.#rows >= MAX_ROWS;
  }

  /** Ends a row, whose values were added before. @param fields in their order */
  addRow(fields: readonly unknown[], bytes: number): void {
    for (let at = 0; at < fields.length; at++) {
      this.#noteLong(fields[at]);
      this.#fields[at]!.push(fields[at] ?? null);
    }
    this.#rows++;
    this.#bytes += bytes;
  }

  /** Values of the next row. */
  addValues(source: ValueSource, values: { readonly [key: string]: StoredValue } | undefined): void {
    if (typeof values !== 'object' || values === null) return;
    const names = this.#names[source];
    for (const key of Object.keys(values)) {
      const value = values[key]!;
      let name = names.get(key);
      if (!name) {
        name = { source, key, counter: new OccurrenceCounter(), columns: {} };
        names.set(key, name);
      }
      const isLong = value instanceof LongText;
      name.counter.add(isLong ? stampOf(value) : value);
      this.#noteLong(value);
      const { type, stored } = isLong ? { type: value.type, stored: value } : partValue(value);
      const column = name.columns[type] ?? this.#addColumn(name, type);
      while (column.values.length < this.#rows) column.values.push(null);
      column.values.push(stored);
    }
  }

  /** Notes, errors and derived metrics may be long, too. */
  #noteLong(value: unknown): void {
    if (value instanceof LongTextList) this.#hasLongLists = true;
    const isLong = typeof value === 'string' && value.length > MAX_IN_DUCKDB;
    if (isLong || isLongValue(value)) this.#hasLongTexts = true;
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
      this.#files[slice] ??= [];
      const files = this.#files[slice];
      const file = this.#database.scratch.file(`${this.#table}-${slice}-${files.length}.parquet`);
      if (this.#hasLongTexts) await writeLongTexts(file, columns);
      else await this.#write(file, columns);
      files.push(file);
    }
    this.#hasLongTexts = false;
  }

  async #write(file: string, columns: readonly TableColumn[]): Promise<void> {
    // Most fields are the same in all of these rows: to give DuckDB a text takes 0.3 µs.
    const [same, varying] = partition(columns, isConstant);
    await this.#database.create('batch', varying);
    const list = ['*', ...same.map(constantSql)].join(', ');
    await this.#database.run(
      `COPY (SELECT ${list} FROM batch) TO ${quoteText(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    await this.#database.run('DROP TABLE batch');
  }

  async end(): Promise<LoadedRows> {
    if (this.#files[0]!.length === 0 && this.#columns.length <= SLICE_COLUMNS && !this.#hasLongTexts) {
      for (const [slice, columns] of this.#takeColumns())
        await this.#database.create(tableOf(this.#table, slice), columns);
    } else {
      await this.flush();
      for (const [slice, files = []] of this.#files.entries()) {
        const list = files.map((file) => quoteText(globLiteral(file))).join(', ');
        await this.#database.run(
          `CREATE VIEW ${tableOf(this.#table, slice)} AS SELECT * FROM read_parquet([${list}], union_by_name = true)`,
        );
      }
    }
    const names = Object.values(this.#names).flatMap((bySource) => [...bySource.values()]);
    return {
      parts: new Map(this.#columns.map(({ part, name, slice }) => [partKey(part), { part, name, slice }])),
      occurrences: names.map(({ source, key, counter }) => counter.occurrence(source, key)),
      rows: this.#total,
      hasLongLists: this.#hasLongLists,
    };
  }

  /** The columns of the rows that were added since the last time, by slice. A row's number joins them. */
  #takeColumns(): Map<number, TableColumn[]> {
    const numbers = Array.from({ length: this.#rows }, (_, row) => this.#total + row);
    const rowNumber: TableColumn = { name: 'loaded_row', type: 'BIGINT', values: numbers };
    const fields = this.#types.map(([name, type], at) => ({ name, type, values: this.#fields[at]! }));
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
    this.#fields = this.#types.map(() => []);
    this.#rows = 0;
    this.#bytes = 0;
    return slices;
  }
}

/** A value of the same type that is the same for the same values. */
const stampOf = (value: LongText) => (value.type === 'json' ? [value.identity()] : value.identity());

/** Texts of many megabytes, one at a time: given to DuckDB, each would be in memory four times. */
async function writeLongTexts(file: string, columns: readonly TableColumn[]): Promise<void> {
  const written = columns.map(({ name, type, values }): ParquetColumn<number> => {
    const read = (row: number) => values[row];
    if (type !== 'BIGINT') return { name, type: PARQUET_TYPES[type]!, read };
    return { name, type: 'int', read: (row) => toBigInt(values[row]) };
  });
  const rows = columns[0]!.values.map((_, row) => row);
  await writeParquetRows(file, written, [rows], { plain: true });
}

const PARQUET_TYPES: { readonly [type: string]: FileType } = {
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  VARCHAR: 'text',
};

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

/** Short enough to be a part of a query, too. */
function isConstant({ type, values }: TableColumn): boolean {
  const [first] = values;
  if (type !== 'VARCHAR' || String(first).length > MAX_CONSTANT_LENGTH) return false;
  return values.every((value) => value === first);
}

const constantSql = ({ name, type, values: [value] }: TableColumn) =>
  `CAST(${value === null ? 'NULL' : quoteText(String(value))} AS ${type}) AS ${quoteName(name)}`;
