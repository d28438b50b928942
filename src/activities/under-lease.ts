import type { SubmissionRef } from './contract.js';
import type { ActivityDependencies } from './dependencies.js';
import { atTheEdge } from './failures.js';

/** An activity that writes only while its store is this engine's: else it fails as for a store that can't be written. */
export function underLease<Input extends SubmissionRef, Result>(
  { openStore, scopes }: Pick<ActivityDependencies, 'openStore' | 'scopes'>,
  activity: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return (input) =>
    atTheEdge(async () => scopes.during(await openStore(input.store), input, () => activity(input)));
}
