import { rm } from 'node:fs/promises';
import type { SubmissionRef } from '../../contract/activities.js';
import { environmentFile, liveFolder } from '../../storage/file/layout.js';
import type { SweepStore } from '../../storage/sweep-store.js';

/** A submission is written before it is enqueued: a young one may be on its way. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/**
 * Submissions whose workflow was terminated left values of environment variables and live files behind. The workflow that
 * plans is the only one of its experiment and engine: what it neither does nor has queued is nobody's.
 *
 * @param engine which one this is
 */
export async function tidyAbandoned(
  store: SweepStore,
  { experiment_id, submission }: SubmissionRef,
  queued: readonly string[],
  engine: string,
): Promise<void> {
  const folder = store.experimentFolder(experiment_id);
  for (const other of await store.submissions(experiment_id)) {
    if (other === submission || queued.includes(other)) continue;
    const manifest = await store.readSubmission(experiment_id, other);
    // Another engine's may be paused, or wait for this one to be done.
    if (!manifest || (manifest.engine ?? engine) !== engine) continue;
    if (Date.now() - Date.parse(manifest.submitted_at) < ABANDONED_AFTER_MS) continue;
    await rm(environmentFile(folder, other), { force: true });
    await rm(liveFolder(folder, other), { recursive: true, force: true });
  }
}
