// @ts-check
import { rmSync } from 'node:fs';
import { killAllOf } from './processes.mjs';

/**
 * Ends what a rig has running, whoever started it, and removes its folder.
 *
 * @param {string} folder
 */
export async function takeDown(folder) {
  await killAllOf(folder);
  rmSync(folder, { recursive: true, force: true });
}
