import type { FileStore } from '../storage/file/file-store.js';
import type { OpenOptions } from '../storage/file/open.js';
import { openStore, openWorkingDirectory } from '../storage/registry.js';
import type { Store } from '../storage/store.js';
import { parseStore } from '../storage/store-config.js';

/** Opens the store that a path or uri names, with the password of the local configuration if its index needs one. */
export async function openLocation(location: string, options?: OpenOptions): Promise<Store> {
  const found = await resolveLocation(location);
  await keepIndexPassword(found, false);
  return openStore(found, options);
}

/** The same of a store with a folder. */
export async function openFolder(location: string, options?: OpenOptions): Promise<FileStore> {
  const found = await resolveLocation(location);
  await keepIndexPassword(found, false);
  return openWorkingDirectory(found, options);
}

async function resolveLocation(location: string): Promise<string> {
  if (!isDiscover(location)) return location;
  return (await import('./services/discover-store.js')).discoverStore();
}

/** Whether it is what services provide. */
export const isDiscover = (location: string) => parseStore(location).settings.scheme === 'discover';

/**
 * Keeps the password of an index where workers of this user find it.
 *
 * @param forWorkers that of PGPASSWORD too: a worker may have been started without it
 */
export async function keepIndexPassword(location: string, forWorkers: boolean): Promise<void> {
  const { settings } = parseStore(location);
  if (settings.scheme !== 'postgresql') return;
  const { ProjectConfig } = await import('../config/project-config.js');
  // A mistake in the configuration must not hide a store that is named.
  const config = await ProjectConfig.load().catch(() => undefined);
  const password = (forWorkers && process.env.PGPASSWORD) || config?.postgresqlPassword;
  if (!password) return;
  const { keepPassword } = await import('../storage/postgresql/passwords.js');
  keepPassword(settings, password);
}
