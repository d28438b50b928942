import type { PlanManifest, SubmissionOutcome } from '../storage/manifest.js';
import type { Tally } from './tally.js';

type How = Pick<
  SubmissionOutcome,
  'experiment_id' | 'submission' | 'state' | 'reason' | 'started_at' | 'finished_at'
>;

/** Makes a submission's outcome from what it reused and what it recorded. @param total the declaration's cells */
export function makeOutcome(
  { experiment_id, submission, state, reason, started_at, finished_at }: How,
  reused: PlanManifest['reused'],
  total: number,
  tally: Tally,
): SubmissionOutcome {
  const counts = {
    success: reused.success + tally.success,
    failed: reused.failed + tally.failed,
    cancelled: reused.cancelled + tally.cancelled,
  };
  return {
    submission,
    experiment_id,
    state,
    total,
    reused: reused.success + reused.failed + reused.cancelled,
    executed: tally.recorded,
    ...counts,
    missing: total - counts.success - counts.failed - counts.cancelled,
    started_at,
    finished_at,
    duration_ms: Math.max(0, Date.parse(finished_at) - Date.parse(started_at)),
    reason,
  };
}
