import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Where metalab keeps what can be made again: downloaded programs, hashes of files. `$METALAB_CACHE`, else under
 * `$XDG_CACHE_HOME` or `~/.cache`. Not created by this.
 */
export function cacheFolder(env: { readonly [name: string]: string | undefined } = process.env): string {
  if (env.METALAB_CACHE) return resolve(env.METALAB_CACHE);
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'metalab');
}
