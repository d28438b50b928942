import type { FileStore } from '../storage/file/file-store.js';
import { openWorkingDirectory } from '../storage/registry.js';

/**
 * Returns the same object for the same store each time, even if its folder was removed and another store created in its
 * place.
 */
export function openStores(): (uri: string) => Promise<FileStore> {
  const known = new Map<string, FileStore>();
  return async (uri) => {
    const opened = await openWorkingDirectory(uri);
    const before = known.get(uri);
    if (before?.id === opened.id) return before;
    known.set(uri, opened);
    return opened;
  };
}
