import type { SweepStore } from '../activities/dependencies.js';
import { StoreError } from '../definition/errors.js';
import { openStore } from '../storage/registry.js';
import { hasExperimentManifests, hasWorkingDirectory } from '../storage/store.js';

/** Opens every store once, and again where that failed. */
export function openStores(): (uri: string) => Promise<SweepStore> {
  const open = new Map<string, Promise<SweepStore>>();
  return (uri) => {
    let store = open.get(uri);
    if (!store) {
      store = openForSweeps(uri);
      open.set(uri, store);
      store.catch(() => open.delete(uri));
    }
    return store;
  };
}

async function openForSweeps(uri: string): Promise<SweepStore> {
  const store = await openStore(uri);
  if (hasWorkingDirectory(store) && hasExperimentManifests(store)) return store;
  throw new StoreError({
    code: 'METALAB_STORE_CAPABILITY',
    where: uri,
    what: 'sweeps cannot run on this store: it has no folders that slots can write to',
    next: 'submit to a file store',
  });
}
