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

/** The records of segments, in the table or view `loaded`. */
export interface LoadedRecords {
  /** The columns of params and metrics, by `partKey`. */
  readonly parts: ReadonlyMap<string, { readonly part: ValuePart; readonly name: string }>;
  readonly occurrences: readonly Occurrence[];
  readonly rows: number;
  /** Lines that are no records. */
  readonly damaged: number;
}

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
  readonly #parts = new Map<string, { part: ValuePart; name: string }>();
  readonly #files: string[] = [];
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
        if (!this.#parts.has(part))
          this.#parts.set(part, { part: { source, key, type }, name: `v${this.#parts.size}` });
      }
      while (column.length < this.#rows) column.push(null);
      column.push(stored);
    }
  }

  /** Writes what was added so far to a file. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    await this.#write('batch');
    const file = this.#database.scratch.file(`loaded-${this.#files.length}.parquet`);
    await this.#database.run(`COPY batch TO ${quoteText(file)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
    await this.#database.run('DROP TABLE batch');
    this.#files.push(file);
  }

  async end(): Promise<Omit<LoadedRecords, 'damaged'>> {
    if (this.#files.length === 0) await this.#write('loaded');
    else {
      await this.flush();
      const files = this.#files.map((file) => quoteText(globLiteral(file)));
      await this.#database.run(
        `CREATE VIEW loaded AS SELECT * FROM read_parquet([${files.join(', ')}], union_by_name = true)`,
      );
    }
    const occurrences = [...this.#counters.values()].map(({ source, key, counter }) =>
      counter.occurrence(source, key),
    );
    return { parts: this.#parts, occurrences, rows: this.#total };
  }

  async #write(table: string): Promise<void> {
    const types = [...Object.values(RECORD_FIELDS), ...Object.values(PLACE_COLUMNS)];
    const names = [...RECORD_FIELD_NAMES, ...Object.keys(PLACE_COLUMNS)];
    const columns: TableColumn[] = names.map((name, at) => ({
      name,
      type: types[at]!,
      values: this.#fields[at]!,
    }));
    for (const [key, values] of this.#values) {
      while (values.length < this.#rows) values.push(null);
      const { part, name } = this.#parts.get(key)!;
      columns.push({ name, type: PART_TYPES[part.type], values });
    }
    await this.#database.create(table, columns);
    this.#total += this.#rows;
    this.#fields = emptyFields();
    this.#values = new Map();
    this.#rows = 0;
    this.#bytes = 0;
  }
}

const emptyFields = (): unknown[][] =>
  Array.from({ length: RECORD_FIELD_NAMES.length + Object.keys(PLACE_COLUMNS).length }, () => []);
