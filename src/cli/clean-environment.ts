import { readStatuses } from '../client/read-statuses.js';
import type { ResolvedEnvironment } from '../config/resolved-config.js';
import { openCluster } from '../execution/open-cluster.js';
import { type CleanedExperiment, type CleanOptions, cleanSpool } from '../execution/slurm/clean.js';
import { openStore } from '../storage/registry.js';
import { asSweepStore, type SweepStore } from '../storage/sweep-store.js';
import { DEFAULT_STORE } from './context.js';
import { createTerminalPrompter } from './terminal-prompter.js';

const OVER = ['completed', 'failed', 'cancelled', 'interrupted'];

/**
 * Removes from an environment's spool what the store has, collected and compared, of every experiment at rest.
 *
 * @throws InfrastructureError where the environment has no cluster; TransportError where it can't be reached
 */
export async function* cleanEnvironment(
  environment: ResolvedEnvironment,
  options: CleanOptions = {},
): AsyncGenerator<CleanedExperiment, void> {
  const location = process.env.METALAB_STORE || (environment.store ?? DEFAULT_STORE);
  const store = asSweepStore(await openStore(location));
  const cluster = await openCluster(environment, createTerminalPrompter());
  try {
    // What follows waits for a cluster that does not answer.
    await cluster.transport.run(['true']);
    const asked = {
      experimentFolder: (experimentId: string) => store.experimentFolder(experimentId),
      unfinished: (experimentId: string) => unfinished(store, experimentId),
    };
    yield* cleanSpool(cluster.transport, cluster.environment, asked, options);
  } finally {
    await cluster.transport.close();
    await store.close();
  }
}

/** Submissions that some workflow may carry out: one that was interrupted is nobody's. */
async function unfinished(store: SweepStore, experimentId: string): Promise<string[]> {
  const { statuses, unreachable } = await readStatuses(store, [experimentId]);
  if (unreachable === undefined && statuses.every(({ state }) => OVER.includes(state))) return [];
  const open: string[] = [];
  for (const submission of await store.submissions(experimentId))
    if (!(await store.readOutcome(experimentId, submission))) open.push(submission);
  return open;
}
