import { isDeepStrictEqual } from 'node:util';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { FileStore } from '../../storage/file/file-store.js';

/** Submissions older than environments ran on the machine that submitted them. */
const HERE: ResolvedEnvironment = { name: 'local', type: 'local', services: {}, executor: {} };

/** Where a submission's runs execute, as stored with it. */
export const environmentOfSubmission = async (
  store: FileStore,
  experimentId: string,
  submission: string,
): Promise<ResolvedEnvironment> =>
  (await store.readSubmission(experimentId, submission))?.environment ?? HERE;

/** Whether runs would execute the same way in both: the store and services don't matter. */
export const executesAs = (one: ResolvedEnvironment, other: ResolvedEnvironment): boolean =>
  isDeepStrictEqual(executionOf(one), executionOf(other));

function executionOf({ store: _, services: __, ...execution }: ResolvedEnvironment) {
  return JSON.parse(JSON.stringify(execution)) as unknown;
}
