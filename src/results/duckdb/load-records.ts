import type { UncoveredSegment } from '../../storage/file/formats/coverage.js';
import { forEachLine, lineChunksOrLong } from '../../storage/file/formats/lines.js';
import { readLongRecord, type StoredRunRecord } from '../../storage/file/formats/long-record.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import type { Database } from './database.js';
import { fieldValues, PLACE_COLUMNS, RECORD_FIELDS } from './record-table.js';
import { type LoadedRows, RowLoader } from './row-loader.js';

/** The table or view with the records of segments. */
export const LOADED = 'loaded';

export interface LoadedRecords extends LoadedRows {
  /** How many lines are no records. */
  readonly damaged: number;
  /** Whether some lines have many megabytes. */
  readonly hasLongLines: boolean;
}

/**
 * Makes `loaded`: one row for every record that the segments' lines hold and that is wanted. Lines are parsed here, one at
 * a time: DuckDB reads JSON 2,048 lines at a time, whose records of 100 KB do not fit into its memory.
 */
export async function loadRecords(
  database: Database,
  segments: readonly UncoveredSegment[],
  wanted: (record: StoredRunRecord) => boolean,
): Promise<LoadedRecords> {
  const loader = new RowLoader(database, LOADED, { ...RECORD_FIELDS, ...PLACE_COLUMNS });
  let damaged = 0;
  let hasLongLines = false;
  const add = (record: StoredRunRecord | undefined, segment: string, offset: number, bytes: number) => {
    if (!record) damaged++;
    if (!record || !wanted(record)) return;
    loader.addValues('params', record.params);
    loader.addValues('metrics', record.metrics);
    loader.addRow([...fieldValues(record), segment, offset], bytes);
  };
  for (const { name, path, ...range } of segments) {
    for await (const chunk of lineChunksOrLong(path, range)) {
      if ('bytes' in chunk)
        forEachLine(
          chunk,
          (bytes, start, end, offset) => add(readRecord(bytes, start, end), name, offset, end - start),
          () => damaged++,
        );
      else {
        hasLongLines = true;
        add(await readLongRecord(path, chunk.from, chunk.to), name, chunk.from, chunk.to - chunk.from);
      }
      if (loader.isFull) await loader.flush();
    }
  }
  return { ...(await loader.end()), damaged, hasLongLines };
}
