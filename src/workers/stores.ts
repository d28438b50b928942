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
