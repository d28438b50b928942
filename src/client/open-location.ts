import type { FileStore } from '../storage/file/file-store.js';
import type { OpenOptions } from '../storage/file/open.js';
import { openStore, openWorkingDirectory } from '../storage/registry.js';
import type { Store } from '../storage/store.js';
import { parseStore } from '../storage/store-config.js';

/** Opens the store that a path or uri names, with the password of the local configuration if its index needs one. */
export async function openLocation(location: string, options?: OpenOptions): Promise<Store> {
  await keepIndexPassword(location, false);
  return openStore(location, options);
}

/** The same of a store with a folder. */
export async function openFolder(location: string, options?: OpenOptions): Promise<FileStore> {
  await keepIndexPassword(location, false);
  return openWorkingDirectory(location, options);
}

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
