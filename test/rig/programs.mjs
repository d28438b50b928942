// @ts-check
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Servers are not in everybody's PATH. */
export const PATH = [
  ...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin']),
]
  .filter((folder) => folder !== '')
  .join(delimiter);

/** @param {string} name @returns {string} */
export function program(name) {
  const found = PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
  if (!found) throw new Error(`there is no ${name} here: node scripts/setup.mjs slurm`);
  return found;
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
