import { existsSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { enqueuedFile, submissionFolder } from '../../storage/file/layout.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import { isGone } from '../../storage/file/owner.js';
import type { SweepStore } from '../../storage/sweep-store.js';
import { queryStatus } from '../workflow/workflow-link.js';

/**
 * Submissions of command lines that were killed between writing them and handing them to the workflow: nobody will carry
 * them out, and they hold values of environment variables. Where one was handed over at the last moment after all, the
 * workflow finds it gone, and says so.
 */
export async function removeAbandoned(
  client: Client,
  store: SweepStore,
  experiment_id: string,
): Promise<void> {
  // Looked for before the workflow is asked: whoever has ended by then had handed his over, or never will.
  const candidates = await findUnplanned(store, experiment_id);
  if (candidates.length === 0) return;
  const status = await queryStatus(client, { store, experiment_id }).catch(() => 'silent' as const);
  if (status === 'silent') return;
  const known = [status?.current?.submission, ...(status?.queued ?? [])];
  for (const submission of candidates) {
    if (known.includes(submission)) continue;
    // It may have been planned in the meantime.
    if (await store.readPlan(experiment_id, submission)) continue;
    const folder = submissionFolder(store.experimentFolder(experiment_id), submission);
    await rm(folder, { recursive: true, force: true });
  }
}

async function findUnplanned(store: SweepStore, experiment_id: string): Promise<string[]> {
  const found: string[] = [];
  const folder = submissionFolder(store.experimentFolder(experiment_id), '');
  for (const submission of await readdir(folder)) {
    if (await isUnplanned(submission).catch(() => false)) found.push(submission);
  }
  return found;

  /** Rejects where what can't be read may be anything: `store check` tells of it. */
  async function isUnplanned(submission: string): Promise<boolean> {
    const manifest = await store.readSubmission(experiment_id, submission);
    if (!manifest) await removeUnnamed(join(folder, submission));
    if (manifest?.submitter === undefined || !isGone(manifest.submitter)) return false;
    // Some workflow has it, of another engine perhaps, or had it until it was terminated.
    if (existsSync(enqueuedFile(store.experimentFolder(experiment_id), submission))) return false;
    const planned = await store.readPlan(experiment_id, submission);
    return !planned && !(await store.readOutcome(experiment_id, submission));
  }
}

/** Whoever was killed while he wrote the manifest left at most half of it. */
async function removeUnnamed(folder: string): Promise<void> {
  // A folder with nothing in it may be somebody's who is just about to write.
  if (await removeOrphans(folder, '.')) await rmdir(folder).catch(() => {});
}
