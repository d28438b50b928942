// @ts-check
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whoStarts } from './accounts.mjs';
import { takeDown } from './down.mjs';
import { processId, runs } from './processes.mjs';
import { chooseSettings, readSettings, writeSettings } from './settings.mjs';
import { SlurmRig } from './slurm-rig.mjs';

/** What the folders of owned rigs begin with. */
const PREFIX = join(tmpdir(), 'metalab-rig-');

const WATCHER = fileURLToPath(new URL('watcher.mjs', import.meta.url));

/**
 * A Slurm cluster for this process: `down` ends it, and so does this process's end, whatever that is.
 *
 * @param {import('./settings.mjs').RigOptions} [options]
 */
export async function startRig(options = {}) {
  await takeDownAbandoned();
  const folder = mkdtempSync(PREFIX);
  const owner = processId(process.pid) ?? null;
  const rig = await createRig(folder, options, owner);
  return Object.assign(rig, { down: () => takeDown(folder) });
}

/** @typedef {Awaited<ReturnType<typeof startRig>>} OwnedRig */

/**
 * @param {string} folder is there, and empty
 * @param {import('./settings.mjs').RigOptions} options
 * @param {import('./processes.mjs').ProcessId | null} owner without one, it stays until it is taken down
 */
export async function createRig(folder, options, owner) {
  // The servers that don't run as root have folders of their own in it.
  chmodSync(folder, 0o755);
  writeSettings(folder, await chooseSettings(options, { user: whoStarts(), owner }));
  try {
    if (owner) watch(folder);
    const rig = new SlurmRig(folder);
    await rig.start();
    return rig;
  } catch (error) {
    await takeDown(folder);
    throw error;
  }
}

/** @param {string} folder */
function watch(folder) {
  spawn(process.execPath, [WATCHER, folder], { cwd: '/', stdio: 'ignore', detached: true }).unref();
}

/** Rigs whose owner is gone, and whose watcher too: somebody killed both. */
async function takeDownAbandoned() {
  const folders = readdirSync(dirname(PREFIX)).map((name) => join(dirname(PREFIX), name));
  for (const folder of folders.filter((path) => path.startsWith(PREFIX))) {
    const owner = readSettings(folder)?.owner;
    if (owner && !runs(owner)) await takeDown(folder);
  }
}
