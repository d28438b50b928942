// @ts-check
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What of PostgreSQL the tests start. */
const PROGRAMS = ['postgres', 'initdb', 'pg_isready'];

/** Where Debian keeps what `pg_config`, in another package, would name. */
const DEBIAN = '/usr/lib/postgresql';

/**
 * The folder with PostgreSQL's server programs: where pg_config says, on PATH, or Debian's, the newest first.
 *
 * @returns {string | undefined}
 */
export function findPostgres() {
  const { stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const folders = [stdout?.trim() ?? '', ...(process.env.PATH ?? '').split(delimiter), ...debianFolders()];
  return folders.find(
    (folder) => folder !== '' && PROGRAMS.every((name) => isExecutable(join(folder, name))),
  );
}

/** @returns {string[]} */
function debianFolders() {
  try {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(DEBIAN, version, 'bin'));
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
