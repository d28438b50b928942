import type { JsonValue } from '../../definition/json.js';
import type { RunRecord } from '../../definition/record.js';
import type { UncoveredSegment } from '../../storage/file/formats/coverage.js';
import { forEachLine, lineChunks } from '../../storage/file/formats/lines.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import type { Occurrence, ValueSource } from '../../storage/file/formats/runs-file.js';
import { OccurrenceCounter } from '../query/occurrence.js';
import { type Database, globLiteral, quoteText, type TableColumn } from './database.js';
import { fieldValues, PLACE_COLUMNS, RECORD_FIELD_NAMES, RECORD_FIELDS } from './record-table.js';
import { PART_TYPES, partValue, type ValuePart } from './value-parts.js';

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

class Loader {
  readonly #database: Database;
  readonly #counters = new Map<string, { source: ValueSource; key: string; counter: OccurrenceCounter }>();
  readonly #parts = new Map<string, LoadedPart>();
  /** By slice. */
  readonly #files: string[][] = [[]];
  #fields = emptyFields();
  #values = new Map<string, unknown[]>();
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

  #addValues(source: ValueSource, values: { readonly [key: string]: JsonValue } | undefined): void {
    if (typeof values !== 'object' || values === null) return;
    for (const key of Object.keys(values)) {
      const value = values[key]!;
      const name = `${source}.${key}`;
      let known = this.#counters.get(name);
      if (!known) {
        known = { source, key, counter: new OccurrenceCounter() };
        this.#counters.set(name, known);
      }
      known.counter.add(value);
      const { type, stored } = partValue(value);
      const part = `${type} ${name}`;
      let column = this.#values.get(part);
      if (!column) {
        column = new Array(this.#rows).fill(null);
        this.#values.set(part, column);
        if (!this.#parts.has(part)) {
          const number = this.#parts.size;
          const slice = Math.floor(number / SLICE_COLUMNS);
          this.#parts.set(part, { part: { source, key, type }, name: `v${number}`, slice });
        }
      }
      while (column.length < this.#rows) column.push(null);
      column.push(stored);
    }
  }

  /** Writes what was added so far to files. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    for (const [slice, columns] of this.#takeColumns()) {
      await this.#database.create('batch', columns);
      this.#files[slice] ??= [];
      const files = this.#files[slice];
      const file = this.#database.scratch.file(`loaded-${slice}-${files.length}.parquet`);
      await this.#database.run(`COPY batch TO ${quoteText(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
      await this.#database.run('DROP TABLE batch');
      files.push(file);
    }
  }

  async end(): Promise<Omit<LoadedRecords, 'damaged'>> {
    if (this.#files[0]!.length === 0 && this.#parts.size <= SLICE_COLUMNS) {
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
    const occurrences = [...this.#counters.values()].map(({ source, key, counter }) =>
      counter.occurrence(source, key),
    );
    return { parts: this.#parts, occurrences, rows: this.#total };
  }

  /** The columns of the rows that were added since the last time, by slice. A row's number joins them. */
  #takeColumns(): Map<number, TableColumn[]> {
    const numbers = Array.from({ length: this.#rows }, (_, row) => this.#total + row);
    const rowNumber: TableColumn = { name: 'loaded_row', type: 'BIGINT', values: numbers };
    const types = [...Object.values(RECORD_FIELDS), ...Object.values(PLACE_COLUMNS)];
    const names = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)];
    const fields = names.map((name, at) => ({ name, type: types[at]!, values: this.#fields[at]! }));
    const slices = new Map<number, TableColumn[]>([[0, [rowNumber, ...fields]]]);
    for (const [key, values] of this.#values) {
      while (values.length < this.#rows) values.push(null);
      const { part, name, slice } = this.#parts.get(key)!;
      const columns = slices.get(slice) ?? [rowNumber];
      slices.set(slice, columns);
      columns.push({ name, type: PART_TYPES[part.type], values });
    }
    this.#total += this.#rows;
    this.#fields = emptyFields();
    this.#values = new Map();
    this.#rows = 0;
    this.#bytes = 0;
    return slices;
  }
}

const emptyFields = (): unknown[][] =>
  Array.from({ length: RECORD_FIELD_NAMES.length + Object.keys(PLACE_COLUMNS).length }, () => []);
