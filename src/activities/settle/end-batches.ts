import { Context } from '@temporalio/activity';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { PlanInput, SettleInput, SubmissionRef } from '../../contract/activities.js';
import { WHILE_PLANNING } from '../../contract/workflow.js';
import { type AskOptions, type BatchRemains, NO_PROGRESS } from '../../execution/batch-executor.js';
import { ExecutionFault } from '../../execution/execution-fault.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { ActivityDependencies } from '../dependencies.js';
import { StopSignal } from '../stop-signal.js';
import { isSigned } from '../submission/submission-files.js';

/** Whoever cancels a sweep whose cluster is gone for good still gets an outcome. */
const ABANDONED_WITHIN_MS = 60_000;
/** A completed sweep only has files left to remove, which the next submission does as well. */
const DONE_WITHIN_MS = 10_000;

/**
 * Ends what is left of a submission's batches before it gets its outcome.
 *
 * @returns what may still be running because the cluster does not answer; null: nothing
 */
export async function endBatches(
  dependencies: ActivityDependencies,
  store: FileStore,
  { experiment_id, submission, abandon }: SettleInput,
): Promise<BatchRemains | null> {
  const manifest = await store.readSubmission(experiment_id, submission).catch(() => undefined);
  if (!manifest || !isSigned(dependencies.signatures, store, manifest)) return null;
  const batches = await dependencies.executors.batches(manifest.environment).catch(() => undefined);
  if (!batches) return null;
  const folder = store.experimentFolder(experiment_id);
  const signal = new StopSignal(Context.current(), dependencies);
  const entry = dependencies.live.openBatch(folder, submission, WHILE_PLANNING);
  try {
    return await batches.end(
      { folder, experiment_id, submission },
      {
        signal,
        onWaits: (waits, stuck) => entry.show({ ...NO_PROGRESS, waits, stuck }),
        within_ms: abandon ? ABANDONED_WITHIN_MS : DONE_WITHIN_MS,
      },
    );
  } catch (error) {
    if (!(error instanceof ExecutionFault) || error.code === 'CLOSED') throw error;
    return { jobs: [], why: error.message };
  } finally {
    entry.close();
    signal.close();
  }
}

/** In one line, for an outcome's reason. */
export function formatRemains({ jobs, why }: BatchRemains): string {
  const what = jobs.length > 0 ? `job${jobs.length === 1 ? '' : 's'} ${jobs.join(', ')}` : 'jobs of it';
  return `${what} may still run, since the cluster could not be asked to end ${jobs.length === 1 ? 'it' : 'them'} (${why.split('\n', 1)[0]}): the next submit of the experiment does that`;
}

/**
 * Ends what earlier submissions of the experiment left behind, if their outcome was written without that or their
 * workflow was terminated. The workflow that plans is the only one of its experiment and engine: every submission that
 * it neither executes nor has queued is over.
 *
 * @param environment the planned submission's environment: ending its batches is awaited, those elsewhere are ended in
 *   the background
 * @param queued the submissions that are queued
 */
export async function endEarlierBatches(
  { executors, leases, signatures }: ActivityDependencies,
  store: FileStore,
  { experiment_id, submission }: SubmissionRef,
  queued: NonNullable<PlanInput['queued']>,
  environment: ResolvedEnvironment | undefined,
  ask: AskOptions,
): Promise<void> {
  const folder = store.experimentFolder(experiment_id);
  for (const other of await store.submissions(experiment_id)) {
    if (other === submission || queued.includes(other)) continue;
    const manifest = await store.readSubmission(experiment_id, other).catch(() => undefined);
    // Another engine's submission may be paused, or wait for this one to end.
    if (!manifest?.environment || (manifest.engine ?? leases.engine) !== leases.engine) continue;
    const isHere = isSamePlace(manifest.environment, environment);
    // Older versions signed nothing: their submissions are ended only on the cluster that the planned one uses too.
    if (!isHere && !isSigned(signatures, store, manifest)) continue;
    const batches = await executors
      .batches(isHere ? environment : manifest.environment)
      .catch(() => undefined);
    const place = { folder, experiment_id, submission: other };
    if (isHere) await batches?.end(place, ask);
    else void batches?.end(place, { within_ms: ABANDONED_WITHIN_MS }).catch(() => {});
  }
}

/** Whatever resources are requested from it. */
function isSamePlace(one: ResolvedEnvironment, other: ResolvedEnvironment | undefined): boolean {
  const placeOf = (environment: ResolvedEnvironment) =>
    JSON.stringify({ ...environment, executor: undefined, services: undefined });
  return other !== undefined && placeOf(one) === placeOf(other);
}
