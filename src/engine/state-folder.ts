import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export type Environment = { readonly [name: string]: string | undefined };

/** Where the engine keeps its database, logs and what it knows of its processes. Not created by this. */
export function stateFolder(env: Environment = process.env): string {
  if (env.METALAB_HOME) return resolve(env.METALAB_HOME);
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'metalab');
}

/** Where what was downloaded or built for all projects is kept: the Temporal CLI. Not created by this. */
export function cacheFolder(env: Environment = process.env): string {
  if (env.METALAB_CACHE) return resolve(env.METALAB_CACHE);
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'metalab');
}

/** Makes the state folder, readable by its owner only: the database holds what workflows were given. */
export function makeStateFolder(env: Environment = process.env): string {
  const folder = stateFolder(env);
  mkdirSync(join(folder, 'workers'), { recursive: true, mode: 0o700 });
  mkdirSync(join(folder, 'logs'), { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return folder;
}

export const lockFolder = (home: string) => join(home, 'engine.lock');
export const serverFile = (home: string) => join(home, 'server.json');
export const portsFile = (home: string) => join(home, 'ports.json');
export const workersFolder = (home: string) => join(home, 'workers');
export const logsFolder = (home: string) => join(home, 'logs');
/** Workers' sockets, through which `metalab env login` reaches them. */
export const loginsFolder = (home: string) => join(home, 'logins');
/** What requests are signed with. */
export const keyFile = (home: string) => join(home, 'key');
/** Where SSH's configuration and agent are, as whoever submitted last had them. */
export const sshEnvironmentFile = (home: string) => join(home, 'ssh-environment.json');
export const databaseFile = (home: string) => join(home, 'temporal.db');
