import { resultsOf as resultsOfStore } from '../../src/results/open.js';
import type { Results } from '../../src/results/results.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import type { ResultsStore } from '../../src/storage/store.js';

const itself = (store: FileStore): ResultsStore => store;
let read = itself;

/** Has tests read results of another kind of store, with the content of the file store that they made; of that again if none is given. */
export function readResultsFrom(copy: (store: FileStore) => ResultsStore = itself): void {
  read = copy;
}

export const readsFileStores = (): boolean => read === itself;

/** An experiment's results, of a file store or of what {@link readResultsFrom} makes of it. */
export const resultsOf = (store: FileStore, experimentId: string): Results =>
  resultsOfStore(read(store), experimentId);
