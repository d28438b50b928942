import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { Cell, Row } from '../query/rows.js';
import { Scratch } from './scratch.js';

/** A DuckDB in memory. */
export interface Database {
  readonly scratch: Scratch;
  run(sql: string): Promise<void>;
  /** Rows in batches, as DuckDB makes them: in constant memory. */
  batches(sql: string): AsyncIterable<Row[]>;
  all(sql: string): Promise<Row[]>;
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
 *
 * @param options.strict fails where the memory does not do, instead of taking more
 */
export async function openDatabase(
  options: { readonly scratch?: string; readonly strict?: boolean } = {},
): Promise<Database> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const scratch = new Scratch(options.scratch);
  const instance = await DuckDBInstance.create(':memory:', {
    ...LIMITS,
    temp_directory: scratch.path,
    // Keeps what it has read of files in memory, by their path: of a file held open, that is another one's next time.
    enable_external_file_cache: 'false',
  });
  const connection = await instance.connect();
  // Rows that wait to be fetched, whose memory it counts in small part: records of 1.6 KB took 460 MB by its default, 1 MB.
  await connection.run(`SET streaming_buffer_size = '100KB'`);
  const limits = options.strict ? [] : [...ROOMIER];
  const withRoom = async <T>(act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        const limit = /Out of Memory/i.test(String(error)) ? limits.shift() : undefined;
        if (limit === undefined) throw error;
        await connection.run(`SET memory_limit = '${limit}'`);
      }
    }
  };
  const batches = (sql: string) => streamRows(connection, sql, withRoom);
  return {
    scratch,
    run: (sql) => withRoom(async () => void (await connection.run(sql))),
    batches,
    async all(sql) {
      const rows: Row[] = [];
      for await (const batch of batches(sql)) rows.push(...batch);
      return rows;
    },
    close() {
      connection.closeSync();
      instance.closeSync();
      scratch.remove();
    },
  };
}

async function* streamRows(
  connection: DuckDBConnection,
  sql: string,
  withRoom: <T>(act: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Row[], void> {
  // Sorting and grouping end before the first row comes: that is where memory may be short.
  const { result, first } = await withRoom(async () => {
    const stream = await connection.stream(sql);
    return { result: stream, first: await stream.fetchChunk() };
  });
  const columns = result.deduplicatedColumnNames();
  for (let chunk = first; chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    yield chunk
      .getRows()
      .map((cells) => Object.fromEntries(cells.map((cell, index) => [columns[index] ?? '', toCell(cell)])));
  }
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
