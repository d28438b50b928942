import { openFileStore } from '../../../src/storage/file/open.js';
import { writeSegment } from '../../support/records.js';
import { storeContract } from '../contract.js';
import { temporaryStore } from './temporary-store.js';

storeContract('file', {
  open: temporaryStore,
  reopen: (store) => openFileStore(store.uri),
  async write(store, records) {
    writeSegment(await openFileStore(store.uri), records);
  },
});
