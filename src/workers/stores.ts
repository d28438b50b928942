import { openStore } from '../storage/registry.js';
import { asSweepStore, type SweepStore } from '../storage/sweep-store.js';

/** Opens every store once, and again where that failed. */
export function openStores(): (uri: string) => Promise<SweepStore> {
  const open = new Map<string, Promise<SweepStore>>();
  return (uri) => {
    let store = open.get(uri);
    if (!store) {
      store = openStore(uri).then(asSweepStore);
      open.set(uri, store);
      store.catch(() => open.delete(uri));
    }
    return store;
  };
}
