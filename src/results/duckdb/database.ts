import type { DuckDBConnection, DuckDBInstance, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { Cell, Row } from '../query/cell.js';
import { loadDuckdb } from './load-duckdb.js';
import { Scratch } from './scratch.js';

/** A column of a new table: a number, text or boolean for each row, or null. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly values: readonly unknown[];
}

/** Columns and rows of a SELECT, in batches. */
export interface Selected {
  readonly columns: readonly string[];
  batches(): AsyncGenerator<Cell[][], void>;
}

/** Some rows, each in the order of the columns. */
export interface CellBatch {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A DuckDB in memory. */
export interface Database {
  readonly scratch: Scratch;
  run(sql: string): Promise<void>;
  /** Makes a table of rows in memory. */
  create(table: string, columns: readonly TableColumn[]): Promise<void>;
  /** Rows in batches, as DuckDB makes them: in constant memory. */
  cells(sql: string): AsyncIterable<CellBatch>;
  /** The same, by column. */
  batches(sql: string): AsyncIterable<Row[]>;
  all(sql: string): Promise<Row[]>;
  /**
   * One SELECT that a user wrote.
   *
   * @param values of its parameters `$1`, `$2`…
   */
  select(sql: string, values: readonly (string | number | boolean | null)[]): Promise<Selected>;
  close(): void;
}

/**
 * What DuckDB counts of its memory; 90 MB of its own and Node's come to it, and 50 to 150 that it does not count. With one
 * thread a million records are read and written in this; with two threads, in twice as much.
 */
const LIMITS = { memory_limit: '160MB', threads: '1' };
/** For what can't be done so: sorting a million complete records by a metric, or records of many kilobytes. */
const ROOMIER = ['280MB', '2GB'];

/**
 * Opens a DuckDB in memory; what does not fit goes to the scratch folder. Loads DuckDB, which takes some 200 ms on a busy
 * machine: only where a query needs it.
 */
export async function openDatabase(options: { readonly scratch?: string } = {}): Promise<Database> {
  const { DuckDBInstance } = loadDuckdb();
  const scratch = new Scratch(options.scratch);
  const instance = await DuckDBInstance.create(':memory:', {
    ...LIMITS,
    temp_directory: scratch.path,
    // Keeps what it has read of files in memory, by their path: of a file held open, that is another one's next time.
    enable_external_file_cache: 'false',
    // Its allocator keeps what a query freed, by default 512 MB: after two questions about a text of 100 MB, 200 MB of it.
    allocator_bulk_deallocation_flush_threshold: '16MB',
  });
  const connection = await instance.connect();
  // Of a million runs: 6 ms a question. Each file that is read is held open, so its path means the same file.
  await connection.run('SET parquet_metadata_cache = true');
  const limits = [...ROOMIER];
  const withRoom = async <T>(act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        const limit = /out of memory|failed to allocate/i.test(String(error)) ? limits.shift() : undefined;
        if (limit === undefined) throw error;
        await connection.run(`SET memory_limit = '${limit}'`);
      }
    }
  };
  const connect = () => connectToStream(instance);
  const cells = (sql: string) => streamCells(connect, sql, withRoom);
  async function* batches(sql: string) {
    for await (const { columns, rows } of cells(sql))
      yield rows.map((row): Row => Object.fromEntries(row.map((cell, at) => [columns[at] ?? '', cell])));
  }
  return {
    scratch,
    run: (sql) => withRoom(async () => void (await connection.run(sql))),
    create: (table, columns) => withRoom(() => createTable(connection, table, columns)),
    cells,
    batches,
    async all(sql) {
      const rows: Row[] = [];
      for await (const batch of batches(sql)) rows.push(...batch);
      return rows;
    },
    select: (sql, values) => withRoom(async () => select(await connect(), sql, values)),
    close() {
      connection.closeSync();
      instance.closeSync();
      scratch.remove();
    },
  };
}

/** A connection for one stream: another statement on the same connection would end the stream, without an error. */
async function connectToStream(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  // Rows that wait to be fetched, whose memory it counts in small part: records of 1.6 KB took 460 MB by its default, 1 MB.
  await connection.run(`SET streaming_buffer_size = '100KB'`);
  return connection;
}

/** How many rows DuckDB takes at once. */
const CHUNK_ROWS = 2048;

async function createTable(
  connection: DuckDBConnection,
  table: string,
  columns: readonly TableColumn[],
): Promise<void> {
  const { BIGINT, BOOLEAN, DOUBLE, DuckDBDataChunk, VARCHAR } = loadDuckdb();
  const types: { readonly [type: string]: DuckDBType } = { BIGINT, BOOLEAN, DOUBLE, VARCHAR };
  const list = columns.map(({ name, type }) => `${quoteName(name)} ${type}`).join(', ');
  await connection.run(`CREATE OR REPLACE TABLE ${table} (${list})`);
  const rows = columns[0]?.values.length ?? 0;
  if (rows === 0) return;
  const appender = await connection.createAppender(table);
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, rows - from);
    const chunk = DuckDBDataChunk.create(
      columns.map(({ type }) => types[type]!),
      count,
    );
    for (const [at, { type, values }] of columns.entries()) {
      const part = values.slice(from, from + count) as DuckDBValue[];
      chunk.setColumnValues(at, type === 'BIGINT' ? part.map(toBigInt) : part);
    }
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

export const toBigInt = (value: unknown) => (typeof value === 'number' ? BigInt(Math.trunc(value)) : null);

async function* streamCells(
  connect: () => Promise<DuckDBConnection>,
  sql: string,
  withRoom: <T>(act: () => Promise<T>) => Promise<T>,
): AsyncGenerator<CellBatch, void> {
  const connection = await connect();
  try {
    // Sorting and grouping end before the first row comes: that is where memory may be short.
    const { result, first } = await withRoom(async () => {
      const stream = await connection.stream(sql);
      return { result: stream, first: await stream.fetchChunk() };
    });
    const columns = result.deduplicatedColumnNames();
    for (let chunk = first; chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      const rows = chunk.getRows() as Cell[][];
      for (const row of rows)
        for (let at = 0; at < row.length; at++) row[at] = toCell(row[at] as DuckDBValue);
      yield { columns, rows };
    }
  } finally {
    connection.closeSync();
  }
}

/** DuckDB takes a PRAGMA for a SELECT, too. */
const IS_SELECT = /^(?:\s|--.*\n|\/\*[\s\S]*?\*\/|\()*(?:select|with|from|values)\b/i;

async function select(
  connection: DuckDBConnection,
  sql: string,
  values: readonly (string | number | boolean | null)[],
): Promise<Selected> {
  const { StatementType } = loadDuckdb();
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw new Error(`${statements.count} statements instead of one`);
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT || !IS_SELECT.test(sql))
    throw new Error('the statement is no SELECT');
  statement.bind([...values]);
  const result = await statement.stream();
  const first = await result.fetchChunk();
  return {
    columns: result.deduplicatedColumnNames(),
    async *batches() {
      try {
        for (let chunk = first; chunk && chunk.rowCount > 0; chunk = await result.fetchChunk())
          yield chunk.getRows().map((row) => row.map(toJsonCell));
      } finally {
        connection.closeSync();
      }
    },
  };
}

/** Lists and structs as such, decimals (literals like 0.5, and what is computed of them) as numbers, times as text. */
function toJsonCell(value: DuckDBValue): Cell {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('toDouble' in value) return value.toDouble();
  if ('items' in value) return value.items.map((item) => toJsonCell(item) ?? null);
  if ('entries' in value && !Array.isArray(value.entries))
    return Object.fromEntries(
      Object.entries(value.entries).map(([name, item]) => [name, toJsonCell(item) ?? null]),
    );
  return String(value);
}

function toCell(value: DuckDBValue): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  // Whole numbers of records are at most 2^53: they came through JSON.
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return String(value);
}

/** A text as SQL writes it. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** A name as SQL writes it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** DuckDB takes `*`, `?` and `[` of a path that it reads for a pattern. */
export const globLiteral = (path: string): string => path.replace(/[*?[]/g, '[$&]');
