import { isDeepStrictEqual } from 'node:util';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { SweepStore } from '../../storage/sweep-store.js';

/** Before environments, everything ran where it was submitted. */
const HERE: ResolvedEnvironment = { name: 'local', type: 'local', services: {}, executor: {} };

/** Where a submission's runs are executed, as it keeps it. */
export const environmentOfSubmission = async (
  store: SweepStore,
  experimentId: string,
  submission: string,
): Promise<ResolvedEnvironment> =>
  (await store.readSubmission(experimentId, submission))?.environment ?? HERE;

/** Whether runs would be executed the same way in both: the store and services are no part of that. */
export const executesAs = (one: ResolvedEnvironment, other: ResolvedEnvironment): boolean =>
  isDeepStrictEqual(executionOf(one), executionOf(other));

function executionOf({ store: _, services: __, ...execution }: ResolvedEnvironment) {
  return JSON.parse(JSON.stringify(execution)) as unknown;
}
