import { isTrustedStore } from '../access/trusted-stores.js';
import { stateFolder } from '../engine/state-folder.js';
import { refuseStrangers, type UsedFiles } from '../storage/file/refuse-strangers.js';
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

/** Refuses a store that other users can change, unless the user has said that it is trusted. */
export function refuseUntrusted(store: SweepStore, used?: UsedFiles): void {
  refuseStrangers(store.root, used, (root) => isTrustedStore(stateFolder(), root));
}
