// @ts-check
import { spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';

/** @typedef {{ readonly uid?: number, readonly gid?: number }} Account */

/**
 * As root, a server runs as the user that its package made for it; otherwise as whoever starts the rig.
 *
 * @param {string} name
 * @returns {Account}
 */
export function accountOf(name) {
  if (process.getuid?.() !== 0) return {};
  const idOf = (/** @type {string} */ flag) =>
    spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim();
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  if (!uid || !gid) throw new Error(`there is no user ${name} here: node scripts/setup.mjs slurm`);
  return { uid: Number(uid), gid: Number(gid) };
}

export const whoStarts = () => userInfo().username;
