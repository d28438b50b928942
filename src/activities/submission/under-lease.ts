import type { SubmissionRef } from '../../contract/activities.js';
import type { ActivityDependencies } from '../dependencies.js';
import { mapFailures } from '../failures.js';

/**
 * Wraps an activity so that it works only in a store that no stranger can change, and while this engine holds that
 * store. Otherwise it fails as for a store that can't be written.
 */
export function underLease<Input extends SubmissionRef, Result>(
  {
    openStore,
    scopes,
    refuseStrangers,
    indexer,
  }: Pick<ActivityDependencies, 'openStore' | 'scopes' | 'refuseStrangers' | 'indexer'>,
  activity: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return (input) =>
    mapFailures(async () => {
      const store = await openStore(input.store);
      refuseStrangers(store, { ...input, folder: store.experimentFolder(input.experiment_id) });
      indexer.watch(store, input.experiment_id);
      return scopes.during(store, input, () => activity(input));
    });
}
