import { join } from 'node:path';
import { experimentIdOf } from '../layout.js';
import { listNames } from '../list-names.js';
import { checkExperiment } from './check-experiment.js';
import type { Checked, CheckOptions, Finding } from './finding.js';
import { findLeftovers } from './leftovers.js';

/** Experiment, `submissions` or `segments`, submission, `live`. */
const DEEPEST = 4;

export const nothingChecked = (): Checked => ({
  experiments: 0,
  submissions: 0,
  segments: 0,
  records: 0,
  artifacts: 0,
  bytes: 0,
});

/**
 * Looks at every file of a store, in constant memory. Changes nothing: a finding's repair is the caller's to run, which
 * must have the store's lease for it.
 *
 * @param checked counts while it goes
 * @throws StoreError where the store can't be read
 */
export async function* checkStore(
  root: string,
  options: CheckOptions,
  checked: Checked,
): AsyncGenerator<Finding> {
  yield* findLeftovers(root, options, DEEPEST);
  for (const name of (await listNames(root)).filter((entry) => entry.includes('@'))) {
    yield* checkExperiment({
      experimentId: experimentIdOf(name),
      folder: join(root, name),
      options,
      checked,
    });
  }
}
