import type { SubmissionOutcome } from '../storage/manifest.js';
import type { Store } from '../storage/store.js';
import { Results } from './results.js';
import { Source } from './source.js';

/** Results of a submission that has ended. */
export type SubmissionResults = Results & { readonly outcome: SubmissionOutcome };

/** An experiment's results. Reads nothing yet. */
export const resultsOf = (store: Store, experimentId: string): Results =>
  new Results(new Source(store, experimentId, undefined));

export const resultsOfSubmission = (
  store: Store,
  experimentId: string,
  outcome: SubmissionOutcome,
): SubmissionResults => new Results(new Source(store, experimentId, outcome)) as SubmissionResults;
