import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metalab } from './metalab.js';

/**
 * One engine (Temporal server and worker) for all tests, in a state folder of its own: started by the first that submits,
 * stopped here. Nothing of the user's own is touched.
 */
export default function setup() {
  const home = mkdtempSync(join(tmpdir(), 'metalab-tests-'));
  process.env.METALAB_HOME = home;
  for (const name of ['METALAB_STORE', 'TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'NO_COLOR', 'FORCE_COLOR'])
    delete process.env[name];
  return async () => {
    if (readdirSync(home).length === 0) return rmSync(home, { recursive: true });
    const stopped = await metalab(['engine', 'stop']);
    rmSync(home, { recursive: true, force: true });
    if (stopped.code !== 0) throw new Error(`the engine could not be stopped: ${stopped.stderr}`);
  };
}
