import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Environment, makeStateFolder, sshEnvironmentFile, stateFolder } from './state-folder.js';

/** By these SSH finds a user's configuration and agent. Both are paths, no secrets. */
const NAMES = ['METALAB_SSH_CONFIG', 'SSH_AUTH_SOCK'];

/** What the environment says of them, absolute. */
function sshVariables(env: Environment = process.env): { [name: string]: string } {
  const set = NAMES.flatMap((name) => (env[name] ? [[name, resolve(env[name])] as const] : []));
  return Object.fromEntries(set);
}

/**
 * Keeps them in the state folder, which is this user's only, for workers: one that was started before a new login has
 * another agent than whoever submits, or none. The latest that are set win.
 */
export function keepSshVariables(env: Environment = process.env): void {
  const variables = { ...keptSshVariables(env), ...sshVariables(env) };
  try {
    const path = sshEnvironmentFile(makeStateFolder(env));
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, `${JSON.stringify(variables)}\n`, { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // Without room there, workers go on with what they have.
  }
}

/** A worker's environment for SSH: its own, and over it what was kept last. */
export const sshEnvironment = (): Environment => ({ ...process.env, ...keptSshVariables() });

function keptSshVariables(env: Environment = process.env): Environment {
  try {
    return JSON.parse(readFileSync(sshEnvironmentFile(stateFolder(env)), 'utf8')) as Environment;
  } catch {
    return {};
  }
}
