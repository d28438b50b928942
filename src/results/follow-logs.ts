import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine, RunRecord } from '../definition/record.js';
import { FOLLOWED_MS, tellFollowed } from '../storage/file/followed.js';
import type { StoredLogLine } from '../storage/file/formats/logs.js';
import { listSegments, SegmentTails } from '../storage/file/formats/segments.js';
import { writerOf } from '../storage/file/layout.js';

const EVERY_MS = 250;

/**
 * A run's log lines, those that are there and those to come, until the run has a final record.
 *
 * @param run.folder the experiment's folder
 * @param signal ends it too
 */
export async function* followLogs(
  run: { readonly folder: string; readonly run_id: string },
  signal: AbortSignal,
): AsyncGenerator<StoredLogLine, void> {
  const logs = new SegmentTails<LogLine>(() => listSegments(run.folder, 'logs'), run.run_id);
  const records = new SegmentTails<RunRecord>(() => listSegments(run.folder, 'records'), run.run_id);
  // A run that is done again has a record from before: it has ended once there is one of the generation that logs.
  let recorded = -1;
  let logging = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    if (performance.now() - toldAt > FOLLOWED_MS / 3) {
      toldAt = performance.now();
      await tellFollowed(run.folder);
    }
    // Records before logs: what a run logged is on disk before its record.
    for await (const { run_id, generation } of records.read()) {
      if (run_id === run.run_id) recorded = Math.max(recorded, generation);
    }
    for await (const { object, segment } of logs.readWithSegments()) {
      if (object.run_id !== run.run_id) continue;
      logging = Math.max(logging, object.generation);
      yield { ...object, slot: writerOf(segment) };
    }
    if (recorded >= logging) return;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
