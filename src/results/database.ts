import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';

/** A cell of a result: lists and objects come as their JSON. */
export type Cell = string | number | boolean | null;
export type Row = { readonly [column: string]: Cell };

/** A DuckDB in memory. */
export interface Database {
  run(sql: string): Promise<void>;
  /** Rows in batches, as DuckDB makes them: in constant memory. */
  batches(sql: string): AsyncIterable<Row[]>;
  all(sql: string): Promise<Row[]>;
  close(): void;
}

/**
 * Opens a DuckDB in memory; what does not fit goes to a file in the system's folder for temporary files. Loads DuckDB,
 * which takes some 200 ms on a busy machine: only where a query needs it.
 */
export async function openDatabase(): Promise<Database> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '2GB',
    temp_directory: join(tmpdir(), `metalab-duckdb-${process.pid}`),
  });
  const connection = await instance.connect();
  const batches = (sql: string) => streamRows(connection, sql);
  return {
    run: async (sql) => void (await connection.run(sql)),
    batches,
    async all(sql) {
      const rows: Row[] = [];
      for await (const batch of batches(sql)) rows.push(...batch);
      return rows;
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function* streamRows(connection: DuckDBConnection, sql: string): AsyncGenerator<Row[], void> {
  const result = await connection.stream(sql);
  const columns = result.deduplicatedColumnNames();
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
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
