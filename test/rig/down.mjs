// @ts-check
import { rmSync } from 'node:fs';
import { kill, processesOf } from './processes.mjs';

/**
 * Ends what a rig has running, whoever started it, and removes its folder.
 *
 * @param {string} folder
 */
export async function takeDown(folder) {
  // What is killed may have started something meanwhile.
  for (let found = processesOf(folder); found.length > 0; found = processesOf(folder)) await kill(found);
  rmSync(folder, { recursive: true, force: true });
}
