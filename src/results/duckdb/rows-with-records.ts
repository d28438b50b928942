import { join } from 'node:path';
import type { RunRecord } from '../../definition/record.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import { openLines } from '../../storage/file/formats/segments.js';
import { segmentsFolder } from '../../storage/file/layout.js';
import type { Row } from '../query/cell.js';
import type { Database } from './database.js';

/**
 * The rows of a query that has `segment` and `segment_offset`, each with the record that stands there.
 *
 * @param folder the experiment's
 */
export async function* rowsWithRecords(
  database: Database,
  folder: string,
  sql: string,
): AsyncGenerator<{ readonly row: Row; readonly record: RunRecord }, void> {
  const lines = openLines(readRecord);
  try {
    for await (const batch of database.batches(sql)) {
      for (const row of batch) {
        const path = join(segmentsFolder(folder), String(row.segment));
        const record = await lines.read(path, Number(row.segment_offset));
        if (record) yield { row, record };
      }
    }
  } finally {
    await lines.close();
  }
}
