import { decodeNumber } from '../../definition/non-finite.js';
import type { DataEntry, RunRecord, SeriesPoint } from '../../definition/record.js';
import type { SegmentKind } from './layout.js';
import { segmentName } from './layout.js';
import { type AttemptKey, readAttempt } from './run-attempt.js';
import { listSegments } from './segments.js';

/** Series points of the attempt that won. */
export async function* readSeries(folder: string, record: RunRecord): AsyncGenerator<SeriesPoint, void> {
  for await (const point of readWinner<SeriesPoint>(folder, 'series', record))
    yield { ...point, value: decodeNumber(point.value) };
}
/** Data entries of the attempt that won. */
export const readData = (folder: string, record: RunRecord) => readWinner<DataEntry>(folder, 'data', record);

async function* readWinner<T extends AttemptKey>(
  folder: string,
  kind: SegmentKind,
  record: RunRecord,
): AsyncGenerator<T, void> {
  const { slot } = record.provenance;
  // The same attempt may have been on a slot that was given up too early: what counts is the recorder's.
  const own = typeof slot === 'string' && record.status === 'success' ? segmentName(kind, slot) : undefined;
  for (const segment of await listSegments(folder, kind)) {
    if (own !== undefined && !segment.name.endsWith(`/${own}`)) continue;
    for await (const { object } of readAttempt<T>(segment.path, record)) yield object;
  }
}
