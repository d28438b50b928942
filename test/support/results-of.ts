import { resultsOf as resultsOfStore } from '../../src/results/open.js';
import type { Results } from '../../src/results/results.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import type { ResultsStore } from '../../src/storage/store.js';

let read: (store: FileStore) => ResultsStore = (store) => store;

/** Has tests read results of another kind of store, with the content of the file store that they made. */
export function readResultsFrom(copy: (store: FileStore) => ResultsStore): void {
  read = copy;
}

/** An experiment's results, of a file store or of what {@link readResultsFrom} makes of it. */
export const resultsOf = (store: FileStore, experimentId: string): Results =>
  resultsOfStore(read(store), experimentId);
