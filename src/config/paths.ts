import { resolve } from 'node:path';
import type { EnvironmentType } from './environment-type.js';
import { type Table, valueAt, withValue } from './table.js';

/** The store that is used if none is named, relative to the working directory. */
export const DEFAULT_STORE = './experiments';

/** Means the store that the environment's services provide. */
export const DISCOVER_STORE = 'discover';

/**
 * Makes a user-provided path absolute: `~` is home, a relative one is relative to a folder, a uri and `discover` stay.
 *
 * @param home the home folder of the user who runs metalab
 */
export function absolutePath(path: string, folder: string, home: string): string {
  if (path === DISCOVER_STORE || /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return path;
  if (path === '~' || path.startsWith('~/')) return resolve(home, path.slice(2));
  return resolve(folder, path);
}

/** An environment's table with its paths absolute. */
export const withAbsolutePaths = (table: Table, type: EnvironmentType, folder: string, home: string): Table =>
  absolutePathsAt(table, ['store', ...(type.paths ?? [])], folder, home);

/** A table in which the texts at some keys, dotted, are absolute paths. */
export function absolutePathsAt(table: Table, keys: readonly string[], folder: string, home: string): Table {
  return keys
    .map((key) => key.split('.'))
    .reduce((made, path) => {
      const value = valueAt(made, path);
      return typeof value === 'string' ? withValue(made, path, absolutePath(value, folder, home)) : made;
    }, table);
}
