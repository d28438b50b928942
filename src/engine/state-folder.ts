import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Environment, stateFolder } from '../access/own-folders.js';
import {
  formatFolderFault,
  makePrivateFolder,
  type OwnFolder,
  refuseOpenFolder,
} from '../access/private-folder.js';

const homeChoice = (path: string): OwnFolder => ({ path, variable: 'METALAB_HOME' });

/** metalab's own folders and the variables that choose them. */
export const ownFolders = (env: Environment = process.env): readonly OwnFolder[] => [
  homeChoice(stateFolder(env)),
  { path: cacheFolder(env), variable: 'METALAB_CACHE' },
];

/**
 * Creates the state folder, for its owner only: the database contains the inputs of workflows.
 *
 * @throws InfrastructureError if it can't be created or written, or other users can change it
 */
export function makeStateFolder(env: Environment = process.env): string {
  const home = stateFolder(env);
  makePrivateFolder(homeChoice(home));
  try {
    mkdirSync(workersFolder(home), { recursive: true, mode: 0o700 });
    mkdirSync(logsFolder(home), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw formatFolderFault(error, homeChoice(home));
  }
  return home;
}

/** @throws InfrastructureError if it can't be created or written, or other users can change it */
export const makeCacheFolder = (env: Environment = process.env): void =>
  makePrivateFolder({ path: cacheFolder(env), variable: 'METALAB_CACHE' });

/** The content of a state folder says where the server is. @throws InfrastructureError if other users can change it */
export const refuseOpenHome = (home: string): void => refuseOpenFolder(homeChoice(home));

export const lockFolder = (home: string) => join(home, 'engine.lock');
export const serverFile = (home: string) => join(home, 'server.json');
export const portsFile = (home: string) => join(home, 'ports.json');
export const workersFolder = (home: string) => join(home, 'workers');
export const logsFolder = (home: string) => join(home, 'logs');
/** Workers' sockets, through which `metalab env login` reaches them. */
export const loginsFolder = (home: string) => join(home, 'logins');
/** The key that signs requests. */
export const keyFile = (home: string) => join(home, 'key');
/** Paths of SSH's configuration and agent, from the last submitter's environment. */
export const sshEnvironmentFile = (home: string) => join(home, 'ssh-environment.json');
export const databaseFile = (home: string) => join(home, 'temporal.db');
