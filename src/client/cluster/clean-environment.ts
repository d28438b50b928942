import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import { openCluster } from '../../execution/open-cluster.js';
import {
  type CleanedExperiment,
  type CleanOptions,
  cleanSpool,
} from '../../execution/slurm/clean/clean-spool.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { openWorkingDirectory } from '../../storage/registry.js';
import type { Prompter } from '../../transport/prompter.js';
import { readStatuses } from '../status/read-statuses.js';
import { locationOf } from '../store-choice.js';

/** No workflow runs these, but their arrays may still be running, so Slurm is asked. */
const WITHOUT_WORKFLOW = ['completed', 'failed', 'cancelled', 'interrupted'];

/**
 * Fetches the records of every experiment at rest, compares them, and removes them from an environment's spool.
 *
 * @param prompter asks the user if the cluster's login needs it
 * @throws InfrastructureError if the environment has no cluster, or its `file_root` can't be used; TransportError if it
 *   can't be reached
 */
export async function* cleanEnvironment(
  environment: ResolvedEnvironment,
  options: CleanOptions = {},
  prompter?: Prompter,
): AsyncGenerator<CleanedExperiment, void> {
  const store = await openWorkingDirectory(await locationOf({ executor: environment }));
  const cluster = await openCluster(environment, prompter);
  try {
    const asked = {
      experimentFolder: (experimentId: string) => store.experimentFolder(experimentId),
      unfinished: (experimentId: string) => unfinished(store, experimentId),
    };
    yield* cleanSpool(cluster.transport, cluster.environment, asked, options);
  } finally {
    await cluster.transport.close();
  }
}

/** Submissions that a workflow runs, or may run: if no server answers, or another engine uses the store. */
async function unfinished(store: FileStore, experimentId: string): Promise<string[]> {
  const { statuses, unreachable } = await readStatuses(store, [experimentId]);
  if (unreachable === undefined && statuses.every(({ state }) => WITHOUT_WORKFLOW.includes(state))) return [];
  const open: string[] = [];
  for (const submission of await store.submissions(experimentId))
    if (!(await store.readOutcome(experimentId, submission))) open.push(submission);
  return open;
}
