import { UsageError } from '../definition/errors.js';
import { type Experiment, isExperiment } from '../definition/experiment.js';
import { formatValue } from '../definition/refuse.js';
import { resultsOf } from '../results/open.js';
import type { Results } from '../results/results.js';
import { requireResults } from '../storage/capabilities.js';
import { checkExperimentId } from './check-arguments.js';
import { openLocation } from './open-location.js';
import { resolveExperiment } from './resolve/resolve-experiment.js';

/**
 * Opens the results of an experiment in a store: no server is needed. Nothing is read before it is asked for.
 *
 * @param store the store's folder or uri
 * @param experiment any unambiguous prefix of its id; or the experiment itself, whose schema gives the params their types
 * @throws UsageError if there is no such store or experiment
 */
export async function openResults<Params>(
  store: string,
  experiment: string | Experiment<Params>,
): Promise<Results<Params>> {
  if (typeof store !== 'string')
    throw new UsageError({
      code: 'METALAB_ARGUMENT',
      where: 'openResults.store',
      what: `is ${formatValue(store)}`,
      expected: "a path or uri: openResults('experiments', 'pi_mc')",
    });
  const id = isExperiment(experiment) ? `${experiment.name}:${experiment.version}` : experiment;
  checkExperimentId('openResults', id);
  const opened = requireResults(await openLocation(store));
  return resultsOf(opened, await resolveExperiment(opened, id));
}
