import type { RunRecord } from '../../definition/record.js';
import { listSegments, readObjects } from './segments.js';

/** A record and where it stands: the last two keys of the rule of the final record. */
export interface StoredRecord {
  readonly record: RunRecord;
  readonly segment: string;
  /** Byte offset of the record's line in its segment. */
  readonly offset: number;
}

/** Where a line stands that is no record. */
export interface CorruptLine {
  readonly segment: string;
  readonly offset: number;
}

/** Every record of an experiment, or of one submission, segment by segment. */
export async function* readRecords(
  folder: string,
  options: { readonly submission?: string; readonly onCorrupt?: (line: CorruptLine) => void } = {},
): AsyncGenerator<StoredRecord, void> {
  for (const segment of await listSegments(folder, 'records', options.submission)) {
    const onCorrupt = (offset: number) => options.onCorrupt?.({ segment: segment.name, offset });
    for await (const { object, offset } of readObjects<RunRecord>(segment.path, { onCorrupt })) {
      if (isRecord(object)) yield { record: object, segment: segment.name, offset };
      else onCorrupt(offset);
    }
  }
}

/** Whether a line has what makes a record; the rest may be missing where others wrote it. */
export const isRecord = (value: { readonly run_id?: unknown; readonly status?: unknown }): boolean =>
  typeof value.run_id === 'string' &&
  (value.status === 'success' || value.status === 'failed' || value.status === 'cancelled');
