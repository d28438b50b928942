import { existsSync } from 'node:fs';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workflowIdOf } from '../../contract/workflow.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { enqueuedFile, submissionFolder } from '../../storage/file/layout.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import { isGone } from '../../storage/file/owner.js';
import type { Feed } from './feed.js';

/**
 * Finds submissions of command lines that were killed between writing them and handing them to the workflow: they will
 * never execute, and they hold values of environment variables. If one was handed over at the last moment, the
 * workflow finds it missing and reports that.
 */
export async function removeAbandoned(feed: Feed, store: FileStore, experiment_id: string): Promise<void> {
  // Checked before the workflow is asked: a client that has ended by now has handed its submission over, or never will.
  const candidates = await findUnplanned(store, experiment_id);
  if (candidates.length === 0) return;
  const workflowId = workflowIdOf(store.id, experiment_id);
  const status = await feed.answer(workflowId, 0).catch(() => 'silent' as const);
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

async function findUnplanned(store: FileStore, experiment_id: string): Promise<string[]> {
  const found: string[] = [];
  const folder = submissionFolder(store.experimentFolder(experiment_id), '');
  for (const submission of await readdir(folder)) {
    if (await isUnplanned(submission).catch(() => false)) found.push(submission);
  }
  return found;

  /** Rejects if an unreadable file may be anything: `store check` reports it. */
  async function isUnplanned(submission: string): Promise<boolean> {
    const manifest = await store.readSubmission(experiment_id, submission);
    if (!manifest) await removeUnnamed(join(folder, submission));
    if (manifest?.submitter === undefined || !isGone(manifest.submitter)) return false;
    // A workflow, perhaps of another engine, has it, or had it until it was terminated.
    if (existsSync(enqueuedFile(store.experimentFolder(experiment_id), submission))) return false;
    const planned = await store.readPlan(experiment_id, submission);
    return !planned && !(await store.readOutcome(experiment_id, submission));
  }
}

/** A client killed while it wrote the manifest left an incomplete one. */
async function removeUnnamed(folder: string): Promise<void> {
  // An empty folder may belong to a client that is about to write.
  if (await removeOrphans(folder, '.')) await rmdir(folder).catch(() => {});
}
