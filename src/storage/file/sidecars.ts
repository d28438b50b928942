import type { DataEntry, LogLine, RunRecord, SeriesPoint } from '../../definition/record.js';
import type { SegmentKind } from './layout.js';
import { segmentName } from './layout.js';
import { listSegments, readObjects, type Segment } from './segments.js';

/** Which lines of the sidecars belong together. */
export interface RunAttempt {
  readonly run_id: string;
  readonly generation?: number;
  readonly attempt?: number;
}

/** Series points of the attempt that won. */
export const readSeries = (folder: string, record: RunRecord) =>
  readWinner<SeriesPoint>(folder, 'series', record);
/** Data entries of the attempt that won. */
export const readData = (folder: string, record: RunRecord) => readWinner<DataEntry>(folder, 'data', record);

/** A run's log lines in the order they were written. */
export async function* readLogs(folder: string, run: RunAttempt): AsyncGenerator<LogLine, void> {
  // Attempts of one run may have been on different slots, each with a segment of its own: the times of their first lines
  // put them in order. Within a segment lines stand as they were written, even where the clock was set back.
  const parts = new Map<string, LogLine[]>();
  for (const segment of await listSegments(folder, 'logs')) {
    for await (const line of readAttempt<LogLine>(segment, run)) {
      const part = `${line.generation} ${line.attempt} ${segment.name}`;
      parts.set(part, [...(parts.get(part) ?? []), line]);
    }
  }
  const ordered = [...parts.values()].sort(
    ([a], [b]) => a!.generation - b!.generation || a!.attempt - b!.attempt || compareText(a!.at, b!.at),
  );
  for (const part of ordered) yield* part;
}

async function* readWinner<T extends RunAttempt>(
  folder: string,
  kind: SegmentKind,
  record: RunRecord,
): AsyncGenerator<T, void> {
  const { slot } = record.provenance;
  // The same attempt may have been on a slot that was given up too early: what counts is the recorder's.
  const own = typeof slot === 'string' && record.status === 'success' ? segmentName(kind, slot) : undefined;
  for (const segment of await listSegments(folder, kind)) {
    if (own === undefined || segment.name.endsWith(`/${own}`)) yield* readAttempt<T>(segment, record);
  }
}

async function* readAttempt<T extends RunAttempt>(
  segment: Segment,
  run: RunAttempt,
): AsyncGenerator<T, void> {
  for await (const { object } of readObjects<T>(segment.path, { matching: run.run_id })) {
    if (
      object.run_id === run.run_id &&
      (run.generation === undefined || object.generation === run.generation) &&
      (run.attempt === undefined || object.attempt === run.attempt)
    ) {
      yield object;
    }
  }
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
