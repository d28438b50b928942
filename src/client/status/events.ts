import { setTimeout as sleep } from 'node:timers/promises';
import type { ArtifactDescriptor, LogLine, RunRecord } from '../../definition/record.js';
import { listSegments, SegmentTails } from '../../storage/file/formats/segments.js';
import type { PlanManifest } from '../../storage/manifest.js';
import type { Store } from '../../storage/store.js';
import { type StartedRun, StartedRuns } from './started-runs.js';
import type { SweepStatus } from './sweep-status.js';

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

const NONE: PlanManifest['reused'] = { success: 0, failed: 0, cancelled: 0 };
const EVERY_MS = 100;

/**
 * Tails a submission's segments until its outcome is there and everything is read. Constant memory.
 *
 * @param ended rejects if no workflow is running the submission any more
 */
export async function* tailEvents(
  store: Store,
  place: { readonly experiment_id: string; readonly submission: string },
  ended: Promise<unknown>,
): AsyncGenerator<SweepEvent, void> {
  const { experiment_id, submission } = place;
  const folder = store.experimentFolder(experiment_id);
  const records = new SegmentTails<RunRecord>(() => listSegments(folder, 'records', submission));
  const logs = new SegmentTails<LogLine>(() => listSegments(folder, 'logs', submission));
  let started: StartedRuns | undefined;
  let plan: PlanManifest | undefined;
  const done = { ...NONE };
  for (;;) {
    // Checked before reading, so that everything written up to the outcome is read below.
    const outcome = await store.readOutcome(experiment_id, submission);
    if (!plan) {
      plan = await store.readPlan(experiment_id, submission);
      const { success, failed, cancelled } = plan?.reused ?? NONE;
      if (success + failed + cancelled > 0)
        yield { type: 'run_skipped', count: success + failed + cancelled };
      done.success += success;
      done.failed += failed;
      done.cancelled += cancelled;
    }
    if (plan && !outcome) {
      started ??= new StartedRuns(store, plan);
      for (const run of await started.read()) yield { type: 'run_started', run };
    }
    for await (const line of logs.read()) yield { type: 'log', line };
    let any = false;
    for await (const record of records.read()) {
      any = true;
      for (const artifact of record.artifacts)
        yield { type: 'artifact_saved', run_id: record.run_id, artifact };
      done[record.status]++;
      yield { type: EVENT_OF[record.status], record };
    }
    if (any || outcome) {
      const { success, failed, cancelled } = outcome ?? done;
      yield {
        type: 'progress',
        status: { total: outcome?.total ?? plan?.total ?? 0, success, failed, cancelled },
      };
    }
    if (outcome) return;
    await Promise.race([sleep(EVERY_MS), ended]);
  }
}

const EVENT_OF = { success: 'run_finished', failed: 'run_failed', cancelled: 'run_cancelled' } as const;
