import type { ArtifactDescriptor, LogLine, RunRecord } from '../../definition/record.js';
import { forEachLine, lineChunks, parseObject } from '../../storage/file/formats/lines.js';
import type { SegmentKind } from '../../storage/file/layout.js';
import type { PlanManifest } from '../../storage/manifest.js';
import type { StartedRun } from './started-runs.js';
import type { SweepStatus } from './sweep-status.js';
import { type GrownSegment, type SubmissionPlace, watchFiles } from './watched-files.js';

export type SweepEvent =
  /** Runs of the declaration that are not executed, because their record stands: one event for all of them. */
  | { readonly type: 'run_skipped'; readonly count: number }
  /** A run that has been running for over a second. */
  | { readonly type: 'run_started'; readonly run: StartedRun }
  | { readonly type: 'run_finished' | 'run_failed' | 'run_cancelled'; readonly record: RunRecord }
  | { readonly type: 'artifact_saved'; readonly run_id: string; readonly artifact: ArtifactDescriptor }
  | { readonly type: 'log'; readonly line: LogLine }
  | {
      readonly type: 'progress';
      readonly status: Pick<SweepStatus, 'total' | 'success' | 'failed' | 'cancelled'>;
    };

const EVENT_OF = { success: 'run_finished', failed: 'run_failed', cancelled: 'run_cancelled' } as const;
const NONE: PlanManifest['reused'] = { success: 0, failed: 0, cancelled: 0 };

/**
 * A submission's events, from its segments, until its outcome is there and everything is read. All who watch from the
 * same moment get the same events in the same order. Constant memory.
 *
 * @param ended rejects if no workflow is running the submission any more
 */
export async function* followEvents(
  place: SubmissionPlace,
  ended: Promise<unknown>,
): AsyncGenerator<SweepEvent, void> {
  const offsets = new Map<string, number>();
  const done = { ...NONE };
  let total = 0;
  for await (const { plan, started, grown, outcome } of watchFiles(place, ended)) {
    if (plan) {
      total = plan.total;
      done.success += plan.reused.success;
      done.failed += plan.reused.failed;
      done.cancelled += plan.reused.cancelled;
      const count = done.success + done.failed + done.cancelled;
      if (count > 0) yield { type: 'run_skipped', count };
    }
    for (const run of started) yield { type: 'run_started', run };
    const segmentsOf = (kind: SegmentKind) => grown.filter((segment) => segment.kind === kind);
    for (const segment of segmentsOf('logs'))
      for await (const line of readGrown<LogLine>(segment, offsets)) yield { type: 'log', line };
    for (const segment of segmentsOf('records'))
      for await (const record of readGrown<RunRecord>(segment, offsets)) {
        for (const artifact of record.artifacts)
          yield { type: 'artifact_saved', run_id: record.run_id, artifact };
        done[record.status]++;
        yield { type: EVENT_OF[record.status], record };
      }
    if (segmentsOf('records').length > 0 || outcome) {
      const { success, failed, cancelled } = outcome ?? done;
      yield { type: 'progress', status: { total: outcome?.total ?? total, success, failed, cancelled } };
    }
    if (outcome) return;
  }
}

/**
 * Reads the whole lines up to the size that was seen, so that all watchers read the same, however fast the segment
 * grows.
 */
async function* readGrown<T extends object>(
  { path, size }: GrownSegment,
  offsets: Map<string, number>,
): AsyncGenerator<T, void> {
  for await (const { bytes, offset } of lineChunks(path, { from: offsets.get(path) })) {
    const rest = size - offset;
    const whole =
      rest < bytes.length ? bytes.subarray(0, bytes.subarray(0, rest).lastIndexOf('\n') + 1) : bytes;
    const objects: T[] = [];
    forEachLine({ bytes: whole, offset }, (line, start, end) => {
      const object = parseObject<T>(line, start, end);
      if (object) objects.push(object);
    });
    offsets.set(path, offset + whole.length);
    yield* objects;
    if (rest <= bytes.length) return;
  }
}
