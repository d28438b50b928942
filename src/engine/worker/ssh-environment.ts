import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Environment, stateFolder } from '../../access/own-folders.js';
import { replaceFile } from '../../access/replace-file.js';
import { makeStateFolder, sshEnvironmentFile } from '../state-folder.js';

/** The variables by which SSH finds a user's configuration and agent. Both are paths, no secrets. */
const NAMES = ['METALAB_SSH_CONFIG', 'SSH_AUTH_SOCK'];

/** Their values in the environment, as absolute paths. */
function sshVariables(env: Environment = process.env): { [name: string]: string } {
  const set = NAMES.flatMap((name) => (env[name] ? [[name, resolve(env[name])] as const] : []));
  return Object.fromEntries(set);
}

/**
 * Stores them for workers in the state folder, which only this user can read: a worker that was started before a new
 * login has another agent than the submitter, or none. The latest values win.
 */
export function keepSshVariables(env: Environment = process.env): void {
  const variables = { ...keptSshVariables(env), ...sshVariables(env) };
  try {
    replaceFile(sshEnvironmentFile(makeStateFolder(env)), `${JSON.stringify(variables)}\n`);
  } catch {
    // If there is no room, workers continue with what they have.
  }
}

/** A worker's environment for SSH: its own, overridden by the values stored last. */
export const sshEnvironment = (): Environment => ({ ...process.env, ...keptSshVariables() });

function keptSshVariables(env: Environment = process.env): Environment {
  try {
    return JSON.parse(readFileSync(sshEnvironmentFile(stateFolder(env)), 'utf8')) as Environment;
  } catch {
    return {};
  }
}
