import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export type Environment = { readonly [name: string]: string | undefined };

/** Where the engine keeps its database, its logs and the state of its processes. Does not create it. */
export function stateFolder(env: Environment = process.env): string {
  if (env.METALAB_HOME) return resolve(env.METALAB_HOME);
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'metalab');
}

/** Where metalab keeps what it can make again: downloaded programs, hashes of files. Does not create it. */
export function cacheFolder(env: Environment = process.env): string {
  if (env.METALAB_CACHE) return resolve(env.METALAB_CACHE);
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'metalab');
}
