import { rm } from 'node:fs/promises';
import { InfrastructureError } from '../../definition/errors.js';
import { isCluster, openCluster } from '../../execution/open-cluster.js';
import { endSubmission, isLeftOnCluster } from '../../execution/slurm/end/end-submission.js';
import { makeOutcome } from '../../planning/outcome.js';
import { tallyPlan } from '../../planning/tally.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { allCells, readEntries } from '../../storage/file/formats/plan-entries.js';
import { environmentFile, liveFolder } from '../../storage/file/layout.js';
import type { SubmissionManifest } from '../../storage/manifest.js';
import type { Prompter } from '../../transport/prompter.js';
import { readStatuses } from '../status/read-statuses.js';

interface CancelUnattendedOptions {
  readonly reason: string;
  /** Only this submission. */
  readonly submission?: string;
  readonly say?: ((line: string) => void) | undefined;
  /** Asks the user if a cluster's login needs it. */
  readonly prompter?: Prompter | undefined;
}

/**
 * Cancels submissions that no workflow runs any more and that left arrays on a cluster: ends the arrays, fetches their
 * records, and writes the outcomes.
 *
 * @returns them; none if nothing was left, or a workflow may be running them
 * @throws TransportError, InfrastructureError if a cluster can't be asked
 */
export async function cancelUnattended(
  store: FileStore,
  experiment_id: string,
  options: CancelUnattendedOptions,
): Promise<string[]> {
  const { statuses, unreachable } = await readStatuses(store, [experiment_id]);
  if (unreachable !== undefined) return [];
  const state = statuses[0]?.state;
  if (state === 'elsewhere')
    throw new InfrastructureError({
      code: 'METALAB_STORE_IN_USE',
      where: experiment_id,
      what: statuses[0]?.reason ?? 'another engine uses the store',
    });
  if (state === undefined || !['interrupted', 'completed', 'failed', 'cancelled'].includes(state)) return [];
  const cancelled: string[] = [];
  for (const submission of await store.submissions(experiment_id)) {
    if (options.submission !== undefined && submission !== options.submission) continue;
    if (await store.readOutcome(experiment_id, submission)) continue;
    const manifest = await store.readSubmission(experiment_id, submission);
    if (manifest && (await cancelOne(store, manifest, options))) cancelled.push(submission);
  }
  return cancelled;
}

async function cancelOne(
  store: FileStore,
  { experiment_id, submission, environment, submitted_at }: SubmissionManifest,
  { reason, say, prompter }: CancelUnattendedOptions,
): Promise<boolean> {
  const folder = store.experimentFolder(experiment_id);
  const place = { folder, experiment_id, submission };
  if (!environment || !isCluster(environment) || !(await isLeftOnCluster(place))) return false;
  const { transport } = await openCluster(environment, prompter);
  try {
    say?.(`no workflow is running ${submission}: ending the jobs that it left on ${transport.place} …`);
    await endSubmission(transport, environment, place);
  } finally {
    await transport.close();
  }
  const plan = await store.readPlan(experiment_id, submission);
  const total = plan?.total ?? (await store.readManifest(experiment_id))?.totals.cells ?? 0;
  const tally = await tallyPlan(folder, submission, plan ? await readEntries(folder, plan) : allCells(total));
  const finished_at = new Date().toISOString();
  const how = { state: 'cancelled', reason, started_at: submitted_at, finished_at } as const;
  const reused = plan?.reused ?? { success: 0, failed: 0, cancelled: 0 };
  const outcome = makeOutcome({ experiment_id, submission, ...how }, reused, total, tally);
  await rm(environmentFile(folder, submission), { force: true });
  await rm(liveFolder(folder, submission), { recursive: true, force: true, maxRetries: 5 });
  if (!(await store.readOutcome(experiment_id, submission))) await store.writeOutcome(outcome);
  return true;
}
