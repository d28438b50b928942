import type { Client } from '@temporalio/client';
import { workflowIdOf } from '../../contract/workflow.js';
import { InfrastructureError } from '../../definition/errors.js';
import { connectTemporal, type TemporalConnection } from '../../engine/connect.js';
import { tallyPlan } from '../../planning/tally.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { readEntries } from '../../storage/file/formats/plan-entries.js';
import { makeClient, queryStatus } from '../workflow/workflow-link.js';
import { otherHolder } from './store-holder.js';
import { STOPPED, type SweepStatus, sweepStatus, type WorkflowAnswer } from './sweep-status.js';

/**
 * The status of the latest submission of every experiment named. A server is asked only if an outcome is missing, and
 * none is started for it.
 *
 * @returns `unreachable`: why no server could be asked, where one was needed
 */
export async function readStatuses(
  store: FileStore,
  experimentIds: readonly string[],
): Promise<{ statuses: SweepStatus[]; unreachable: string | undefined }> {
  const places: { readonly experiment_id: string; readonly submission: string }[] = [];
  for (const experiment_id of experimentIds) {
    const submission = (await store.readManifest(experiment_id))?.latest_submission;
    if (submission)
      places.push({ experiment_id, submission: await lastKnown(store, experiment_id, submission) });
  }
  const open: typeof places = [];
  for (const place of places)
    if (!(await store.readOutcome(place.experiment_id, place.submission))) open.push(place);
  const link = open.length > 0 ? await tryConnect() : undefined;
  const holder = await otherHolder(store, link?.connection);
  try {
    const statuses = await Promise.all(
      places.map(async (place) => {
        const answer = open.includes(place) ? await ask(store, place, link?.client) : undefined;
        const status = await sweepStatus(store, await toShow(store, place, answer), answer, holder);
        return status.state === 'interrupted' ? withRecorded(store, status) : status;
      }),
    );
    return { statuses, unreachable: link?.unreachable };
  } finally {
    await link?.connection?.connection.close();
  }
}

/** Nobody counts the runs of a sweep that no workflow has: its records do. */
async function withRecorded(store: FileStore, status: SweepStatus): Promise<SweepStatus> {
  const { experiment_id, submission, total } = status;
  const plan = await store.readPlan(experiment_id, submission);
  if (!plan) return status;
  const folder = store.experimentFolder(experiment_id);
  // `store check` tells what is damaged.
  const tally = await tallyPlan(folder, submission, readEntries(folder, plan)).catch(() => undefined);
  if (!tally) return status;
  const success = plan.reused.success + tally.success;
  const failed = plan.reused.failed + tally.failed;
  const cancelled = plan.reused.cancelled + tally.cancelled;
  const pending = total - success - failed - cancelled;
  return { ...status, success, failed, cancelled, running: 0, pending };
}

type Place = { readonly experiment_id: string; readonly submission: string };

async function ask(store: FileStore, place: Place, client: Client | undefined): Promise<WorkflowAnswer> {
  if (!client) return STOPPED;
  return queryStatus(client, workflowIdOf(store.id, place.experiment_id)).catch(() => 'silent' as const);
}

/**
 * Which submission is shown: the running one, even if others are queued behind it. If another engine has submitted
 * since, this engine's own, which then waits.
 */
async function toShow(store: FileStore, place: Place, answer: WorkflowAnswer): Promise<Place> {
  const current = typeof answer === 'object' ? answer.current?.submission : undefined;
  if (current === undefined) return place;
  return (await store.readOutcome(place.experiment_id, place.submission))
    ? place
    : { ...place, submission: current };
}

/** A submission that joined another has no folder: then the newest existing one. */
async function lastKnown(store: FileStore, experimentId: string, submission: string): Promise<string> {
  if (await store.readSubmission(experimentId, submission)) return submission;
  return (await store.submissions(experimentId)).at(-1) ?? submission;
}

async function tryConnect() {
  let connection: TemporalConnection;
  try {
    connection = await connectTemporal({ start: false });
  } catch (error) {
    if (!(error instanceof InfrastructureError)) throw error;
    return { client: undefined, connection: undefined, unreachable: error.message.split('\n')[0] };
  }
  const client = await makeClient(connection);
  return { client, connection, unreachable: undefined };
}
