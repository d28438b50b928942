import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const BASE_FILE = '.metalab.toml';
/** Beside it and overriding it: settings for only one user or machine. */
export const LOCAL_FILE = '.metalab.local.toml';

/** The nearest folder, from one upwards, that has a configuration; undefined if none has. */
export function findConfigFolder(from: string): string | undefined {
  const folder = resolve(from);
  if ([BASE_FILE, LOCAL_FILE].some((name) => existsSync(join(folder, name)))) return folder;
  return dirname(folder) === folder ? undefined : findConfigFolder(dirname(folder));
}
