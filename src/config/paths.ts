import { resolve } from 'node:path';

/** The store that is used if none is named, relative to the working directory. */
export const DEFAULT_STORE = './experiments';

/**
 * Makes a user-provided path absolute: `~` is home, a relative one is relative to a folder, a uri stays.
 *
 * @param home the home folder of the user who runs metalab
 */
export function absolutePath(path: string, folder: string, home: string): string {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return path;
  if (path === '~' || path.startsWith('~/')) return resolve(home, path.slice(2));
  return resolve(folder, path);
}
