import { resultsOf } from '../results/open.js';
import type { Results } from '../results/results.js';
import { resolveExperiment } from './resolve/resolve-experiment.js';
import { openExisting } from './store-choice.js';

/**
 * Opens the results of an experiment in a store: no server is needed. Nothing is read before it is asked for.
 *
 * @param store the store's folder or uri
 * @param experiment any unambiguous prefix of its id
 * @throws UsageError if there is no such store or experiment
 */
export async function openResults<Params>(store: string, experiment: string): Promise<Results<Params>> {
  const opened = await openExisting({ store });
  return resultsOf(opened, await resolveExperiment(opened, experiment));
}
