import type { JsonObject } from '../definition/json.js';
import { Run } from '../operation/recorded-run.js';
import type { Store } from '../storage/store.js';
import type { StoredRecord } from './engine.js';
import { type RunDetails, readRunDetails } from './run-details.js';

/** A run of a store. */
export class StoredRun<Params = JsonObject> extends Run<Params> {
  /** The one that executed it. */
  readonly submission: string;
  readonly #store: Store;

  constructor(store: Store, { record, submission, derived }: StoredRecord) {
    super(store, record, derived);
    this.submission = submission;
    this.#store = store;
  }

  /** All there is of it in one object: what `metalab show --json` prints. */
  details(): Promise<RunDetails> {
    return readRunDetails(this.#store, this);
  }
}
