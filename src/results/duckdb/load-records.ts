import type { RunRecord } from '../../definition/record.js';
import type { UncoveredSegment } from '../../storage/file/formats/coverage.js';
import { forEachLine, lineChunks } from '../../storage/file/formats/lines.js';
import { readRecord } from '../../storage/file/formats/read-record.js';
import type { Database } from './database.js';
import { fieldValues, PLACE_COLUMNS, RECORD_FIELDS } from './record-table.js';
import { type LoadedRows, RowLoader } from './row-loader.js';

/** The table or view with the records of segments. */
export const LOADED = 'loaded';

/**
 * Makes `loaded`: one row for every record that the segments' lines hold and that is wanted. Lines are parsed here, one at
 * a time: DuckDB reads JSON 2,048 lines at a time, whose records of 100 KB do not fit into its memory.
 *
 * @returns `damaged`: how many lines are no records
 */
export async function loadRecords(
  database: Database,
  segments: readonly UncoveredSegment[],
  wanted: (record: RunRecord) => boolean,
): Promise<LoadedRows & { readonly damaged: number }> {
  const loader = new RowLoader(database, LOADED, { ...RECORD_FIELDS, ...PLACE_COLUMNS });
  let damaged = 0;
  for (const { name, path, from, to } of segments) {
    for await (const chunk of lineChunks(path, { from, to })) {
      forEachLine(
        chunk,
        (bytes, start, end, offset) => {
          const record = readRecord(bytes, start, end);
          if (!record) damaged++;
          if (!record || !wanted(record)) return;
          loader.addValues('params', record.params);
          loader.addValues('metrics', record.metrics);
          loader.addRow([...fieldValues(record), name, offset], end - start);
        },
        () => damaged++,
      );
      if (loader.isFull) await loader.flush();
    }
  }
  return { ...(await loader.end()), damaged };
}
