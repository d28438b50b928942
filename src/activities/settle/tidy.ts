import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SubmissionRef } from '../../contract/activities.js';
import type { FileStore } from '../../storage/file/file-store.js';
import {
  artifactsFolder,
  bundleFolder,
  declarationFile,
  environmentFile,
  liveFolder,
  submissionFolder,
} from '../../storage/file/layout.js';
import { removeOrphans } from '../../storage/file/orphans.js';

/** A submission is written before it is enqueued, so a recent one may still be on its way. */
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/**
 * Removes values of environment variables and live files of submissions whose workflow was terminated. The workflow
 * that plans is the only one of its experiment and engine: a submission that it neither executes nor has queued has no
 * owner.
 *
 * @param engine this engine
 */
export async function tidyAbandoned(
  store: FileStore,
  { experiment_id, submission }: SubmissionRef,
  queued: readonly string[],
  engine: string,
): Promise<void> {
  const folder = store.experimentFolder(experiment_id);
  for (const other of await store.submissions(experiment_id)) {
    if (other === submission || queued.includes(other)) continue;
    const manifest = await store.readSubmission(experiment_id, other);
    // Another engine's submission may be paused, or wait for this one to end.
    if (!manifest || (manifest.engine ?? engine) !== engine) continue;
    if (Date.now() - Date.parse(manifest.submitted_at) < ABANDONED_AFTER_MS) continue;
    await rm(environmentFile(folder, other), { force: true });
    await rm(liveFolder(folder, other), { recursive: true, force: true });
  }
}

/** Removes the temporary files of slots, workers and clients that were killed while they wrote to the store. */
export async function tidyKilled(store: FileStore, folder: string, submission: string): Promise<void> {
  const bundles = bundleFolder(folder, '');
  const folders = [
    store.root,
    folder,
    dirname(declarationFile(folder, '')),
    ...(await readdir(bundles).catch(() => [])).map((name) => join(bundles, name)),
    submissionFolder(folder, submission),
    artifactsFolder(folder),
  ];
  for (const each of folders) await removeOrphans(each, '.');
}
