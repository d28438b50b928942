import { InfrastructureError } from '../definition/errors.js';
import { connectTemporal, type TemporalConnection } from '../engine/connect.js';
import { engineIdentity } from '../engine/identity.js';
import { hasLeasing, isSameEngine, LEASE_EXPIRES_MS, type Lease } from '../storage/lease.js';
import type { Store } from '../storage/store.js';
import { asSweepStore, type SweepStore } from '../storage/sweep-store.js';
import type { WorkflowStatus } from '../workflows/contract.js';
import { type SweepStatus, sweepStatus } from './sweep-status.js';
import { makeClient, queryStatus } from './workflow-link.js';

/**
 * The status of the latest submission of every experiment named. A server is asked only where an outcome is missing, and
 * none is started for it.
 *
 * @returns `unreachable`: why no server could be asked, where one was needed
 */
export async function readStatuses(
  opened: Store,
  experimentIds: readonly string[],
): Promise<{ statuses: SweepStatus[]; unreachable: string | undefined }> {
  const store = asSweepStore(opened);
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
        const asked =
          link?.client && open.includes(place)
            ? queryStatus(link.client, { store, ...place }).catch(() => 'silent' as const)
            : undefined;
        const answer = await asked;
        return sweepStatus(store, await ownSubmission(store, place, answer), answer, holder);
      }),
    );
    return { statuses, unreachable: link?.unreachable };
  } finally {
    await link?.connection?.connection.close();
  }
}

type Place = { readonly experiment_id: string; readonly submission: string };

/** What this engine has in hand counts here, also where another engine has submitted since: its own sweep waits then. */
async function ownSubmission(
  store: SweepStore,
  place: Place,
  answer: WorkflowStatus | 'silent' | undefined,
): Promise<Place> {
  const current = answer === 'silent' ? undefined : answer?.current?.submission;
  if (current === undefined || answer === 'silent' || answer?.queued.includes(place.submission)) return place;
  return (await store.readOutcome(place.experiment_id, place.submission))
    ? place
    : { ...place, submission: current };
}

/** The other engine that uses the store, if one does. */
async function otherHolder(
  store: SweepStore,
  connection: TemporalConnection | undefined,
): Promise<Lease | undefined> {
  const lease = hasLeasing(store) ? await store.readLease() : undefined;
  if (!lease || Math.abs(Date.now() - Date.parse(lease.renewed_at)) > LEASE_EXPIRES_MS) return undefined;
  if (!connection) return lease;
  const own = await engineIdentity(connection.connection, connection).catch(() => undefined);
  return own && isSameEngine(lease, { ...own, worker: null }) ? undefined : lease;
}

/** A submission that joined another left no folder: then the newest that is there. */
async function lastKnown(store: SweepStore, experimentId: string, submission: string): Promise<string> {
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
