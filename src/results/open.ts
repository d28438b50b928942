import type { JsonObject } from '../definition/json.js';
import type { SubmissionOutcome } from '../storage/manifest.js';
import type { ResultsStore } from '../storage/store.js';
import { Results } from './results.js';
import { Source } from './source.js';

/** Results of a submission that has ended. */
export type SubmissionResults<Params = JsonObject> = Results<Params> & {
  readonly outcome: SubmissionOutcome;
};

/** An experiment's results. Reads nothing yet. */
export const resultsOf = <Params = JsonObject>(store: ResultsStore, experimentId: string): Results<Params> =>
  new Results(new Source(store, experimentId, undefined));

export const resultsOfSubmission = <Params = JsonObject>(
  store: ResultsStore,
  experimentId: string,
  outcome: SubmissionOutcome,
): SubmissionResults<Params> =>
  new Results(new Source(store, experimentId, outcome)) as SubmissionResults<Params>;
