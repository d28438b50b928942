// @ts-check
// Plain JavaScript: scripts/setup.mjs needs it before anything is built.
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What of PostgreSQL a server needs. */
const PROGRAMS = ['postgres', 'initdb'];

/**
 * Where systems keep PostgreSQL's programs outside of PATH: a folder of versions, and the folder of programs in each.
 *
 * @type {readonly (readonly [folder: string, versions: RegExp, programs: string])[]}
 */
const KNOWN = [
  // Debian, Ubuntu
  ['/usr/lib/postgresql', /^\d+/, 'bin'],
  // Red Hat, from postgresql.org
  ['/usr', /^pgsql-\d+/, 'bin'],
  // Alpine
  ['/usr/libexec', /^postgresql\d+/, ''],
  // Homebrew
  ['/opt/homebrew/opt', /^postgresql(@\d+)?$/, 'bin'],
  ['/usr/local/opt', /^postgresql(@\d+)?$/, 'bin'],
  ['/home/linuxbrew/.linuxbrew/opt', /^postgresql(@\d+)?$/, 'bin'],
  ['/Applications/Postgres.app/Contents/Versions', /^\d+/, 'bin'],
  // Built from source
  ['/usr/local', /^pgsql$/, 'bin'],
];

/**
 * The folders with PostgreSQL's server programs: those on PATH, then the known ones, the newest first.
 *
 * @param {{ readonly [name: string]: string | undefined }} env
 * @returns {string[]}
 */
export function findPrograms(env = process.env) {
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...onPath, ...KNOWN.flatMap(foldersIn)])].filter(hasPrograms);
}

/** @param {string} folder */
export const hasPrograms = (folder) => PROGRAMS.every((name) => isExecutable(join(folder, name)));

/** @param {readonly [folder: string, versions: RegExp, programs: string]} known */
function foldersIn([folder, versions, programs]) {
  try {
    const names = readdirSync(folder).filter((name) => versions.test(name));
    const versionOf = (/** @type {string} */ name) => Number(/\d+/.exec(name)?.[0] ?? 0);
    return names.sort((a, b) => versionOf(b) - versionOf(a)).map((name) => join(folder, name, programs));
  } catch {
    return [];
  }
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
