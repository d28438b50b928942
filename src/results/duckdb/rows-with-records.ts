import { join } from 'node:path';
import { readLongRecord, type StoredRunRecord } from '../../storage/file/formats/long-record.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import { openLines } from '../../storage/file/formats/segments.js';
import { segmentsFolder } from '../../storage/file/layout.js';
import type { Row } from '../query/cell.js';
import type { Database } from './database.js';

export interface RowWithRecord {
  readonly row: Row;
  readonly record: StoredRunRecord;
  /** Of the record's line. */
  readonly bytes: number;
}

/**
 * The rows of a query that has `segment` and `segment_offset`, each with the record that stands there.
 *
 * @param folder the experiment's
 */
export async function* rowsWithRecords(
  database: Database,
  folder: string,
  sql: string,
): AsyncGenerator<RowWithRecord, void> {
  const records = openRecordsOfRows(folder);
  try {
    for await (const batch of database.batches(sql)) {
      for (const row of batch) {
        const found = await records.read(row);
        if (found) yield { row, ...found };
      }
    }
  } finally {
    await records.close();
  }
}

/** The records of rows that have `segment` and `segment_offset`. */
export function openRecordsOfRows(folder: string): {
  read(row: Row): Promise<Omit<RowWithRecord, 'row'> | undefined>;
  close(): Promise<void>;
} {
  const withBytes = (record: StoredRunRecord | undefined, bytes: number) => record && { record, bytes };
  const lines = openLines<Omit<RowWithRecord, 'row'>>(
    (bytes, start, end) => withBytes(readRecord(bytes, start, end), end - start),
    async (path, from, to) => withBytes(await readLongRecord(path, from, to), to - from),
  );
  return {
    read: ({ segment, segment_offset }) =>
      lines.read(join(segmentsFolder(folder), String(segment)), Number(segment_offset)),
    close: () => lines.close(),
  };
}
