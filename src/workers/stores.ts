import { isTrustedStore } from '../access/trusted-stores.js';
import { stateFolder } from '../engine/state-folder.js';
import { refuseStrangers, type UsedFiles } from '../storage/file/refuse-strangers.js';
import { openStore } from '../storage/registry.js';
import type { Store } from '../storage/store.js';

/**
 * Returns the same object for the same store each time, even if its folder was removed and another store created in its
 * place.
 */
export function openStores(): (uri: string) => Promise<Store> {
  const known = new Map<string, Store>();
  return async (uri) => {
    const opened = await openStore(uri);
    const before = known.get(uri);
    if (before?.id === opened.id) return before;
    known.set(uri, opened);
    return opened;
  };
}

/** Refuses a store that other users can change, unless the user has declared it trusted. */
export function refuseUntrusted(store: Store, used?: UsedFiles): void {
  refuseStrangers(store.root, used, (root) => isTrustedStore(stateFolder(), root));
}
