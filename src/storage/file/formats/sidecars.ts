import { decodeNumber, numberText } from '../../../definition/non-finite.js';
import type { DataEntry, LogLevel, RunRecord, SeriesPoint } from '../../../definition/record.js';
import { wellFormedJson } from '../../../definition/well-formed.js';
import type { Cell } from '../../../identity/cells.js';
import { type SegmentKind, segmentName } from '../layout.js';
import { isoTime } from './iso-time.js';
import { listSegments, readObjects, type SegmentObject } from './segments.js';

/** @param at wall-clock milliseconds */
export const logLine = (cell: Cell, attempt: number, at: number, level: LogLevel, message: string): string =>
  line(cell, attempt, `"at":"${isoTime(at)}","level":"${level}","message":${JSON.stringify(message)}`);

export const seriesLine = (cell: Cell, attempt: number, name: string, step: number, value: number): string =>
  line(cell, attempt, `"name":${JSON.stringify(name)},"step":${step},"value":${numberText(value)}`);

/** @param json the value's text */
export const dataLine = (cell: Cell, attempt: number, name: string, json: string): string =>
  line(cell, attempt, `"name":${JSON.stringify(name)},"value":${json}`);

const line = ({ runId, generation }: Cell, attempt: number, rest: string) =>
  wellFormedJson(`{"run_id":"${runId}","attempt":${attempt},"generation":${generation},${rest}}`);

/** Which lines of the sidecars belong together: of a run, of one of its generations, or of one attempt. */
export interface RunAttempt {
  readonly run_id: string;
  readonly generation?: number;
  readonly attempt?: number;
}

/** What every line of a sidecar has. */
type AttemptKey = Required<RunAttempt>;

/** A segment's lines of a run or attempt, in the order they were written. */
export async function* readAttempt<T extends AttemptKey>(
  path: string,
  run: RunAttempt,
  from = 0,
): AsyncGenerator<SegmentObject<T>, void> {
  for await (const line of readObjects<T>(path, { matching: run.run_id, from })) {
    const { run_id, generation, attempt } = line.object;
    if (
      run_id === run.run_id &&
      (run.generation === undefined || generation === run.generation) &&
      (run.attempt === undefined || attempt === run.attempt)
    ) {
      yield line;
    }
  }
}

/** Whether a line of a run is a point: what is left of a damaged one may be JSON. */
export const isPoint = ({ name, step, value }: Partial<SeriesPoint>): boolean =>
  typeof name === 'string' && typeof step === 'number' && typeof decodeNumber(value) === 'number';

/** Series points of the attempt that won. */
export async function* readSeries(folder: string, record: RunRecord): AsyncGenerator<SeriesPoint, void> {
  for await (const point of readWinner<SeriesPoint>(folder, 'series', record))
    if (isPoint(point)) yield { ...point, value: decodeNumber(point.value) };
}
/** Data entries of the attempt that won. */
export const readData = (folder: string, record: RunRecord) => readWinner<DataEntry>(folder, 'data', record);

/** The same attempt may have been on a slot that was given up too early: what counts is the recorder's segment. */
function recordersSegment(kind: SegmentKind, { provenance, status }: RunRecord): string | undefined {
  const { slot } = provenance;
  return typeof slot === 'string' && status === 'success' ? segmentName(kind, slot) : undefined;
}

async function* readWinner<T extends AttemptKey>(
  folder: string,
  kind: SegmentKind,
  record: RunRecord,
): AsyncGenerator<T, void> {
  const own = recordersSegment(kind, record);
  for (const segment of await listSegments(folder, kind)) {
    if (own !== undefined && !segment.name.endsWith(`/${own}`)) continue;
    for await (const { object } of readAttempt<T>(segment.path, record)) yield object;
  }
}
