import type { LogLine } from '../../../definition/record.js';
import { compareText } from '../../final-record.js';
import { segmentName, writerOf } from '../layout.js';
import { listSegments } from './segments.js';
import { readAttempt } from './sidecars.js';

/** Whose log lines are wanted: of every generation, attempt and slot where none is given. */
export interface LoggedRun {
  readonly run_id: string;
  readonly generation?: number;
  readonly attempt?: number;
  /** The writer's name, as a record's provenance has it. */
  readonly slot?: string;
}

/** A log line, and the slot that wrote it. */
export type StoredLogLine = LogLine & { readonly slot: string };

/** What one slot logged for one attempt: the lines of a segment that begin at `first` ≤ offset ≤ `last`. */
interface Part {
  readonly path: string;
  readonly slot: string;
  readonly generation: number;
  readonly attempt: number;
  readonly at: string;
  readonly first: number;
  last: number;
}

/**
 * A run's log lines, streamed: attempt by attempt, each in the order it was written. The same attempt may have been on
 * several slots, each with a segment of its own: the times of their first lines put them in order. Within a segment lines
 * stand as they were written, even where the clock was set back.
 */
export async function* readLogs(folder: string, run: LoggedRun): AsyncGenerator<StoredLogLine, void> {
  const own = run.slot === undefined ? undefined : `/${segmentName('logs', run.slot)}`;
  const parts: Part[] = [];
  for (const { name, path } of await listSegments(folder, 'logs'))
    if (own === undefined || name.endsWith(own)) parts.push(...(await findParts(path, writerOf(name), run)));
  parts.sort((a, b) => a.generation - b.generation || a.attempt - b.attempt || compareText(a.at, b.at));
  for (const { path, slot, generation, attempt, first, last } of parts) {
    for await (const { object, offset } of readAttempt<LogLine>(
      path,
      { run_id: run.run_id, generation, attempt },
      first,
    )) {
      yield { ...object, slot };
      if (offset >= last) break;
    }
  }
}

async function findParts(path: string, slot: string, run: LoggedRun): Promise<Part[]> {
  const parts = new Map<string, Part>();
  for await (const { object, offset } of readAttempt<LogLine>(path, run)) {
    const { generation, attempt, at } = object;
    const key = `${generation} ${attempt}`;
    const known = parts.get(key);
    if (known) known.last = offset;
    // Where only one attempt is asked for, its lines are read to the segment's end, once.
    else if (run.attempt !== undefined)
      return [{ path, slot, generation, attempt, at, first: offset, last: Number.POSITIVE_INFINITY }];
    else parts.set(key, { path, slot, generation, attempt, at, first: offset, last: offset });
  }
  return [...parts.values()];
}
