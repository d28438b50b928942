import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useMemoryFolder } from './memory-folder.js';
import { metalab } from './metalab.js';
import { startTestServer } from './test-server.js';

/**
 * One engine (Temporal server and worker) for all tests, in a state folder of its own: started by the first that submits,
 * stopped here. With METALAB_TEST_SERVER, its server is that one. Nothing of the user's own is touched.
 */
export default async function setup() {
  const removeFolder = useMemoryFolder();
  const home = mkdtempSync(join(tmpdir(), 'metalab-tests-'));
  process.env.METALAB_HOME = home;
  for (const name of [
    'METALAB_STORE',
    'METALAB_ENV',
    'METALAB_SLOTS',
    'TEMPORAL_ADDRESS',
    'TEMPORAL_PROFILE',
    'NO_COLOR',
    'FORCE_COLOR',
  ])
    delete process.env[name];
  // Node 20 reads this file whenever it starts, which takes 0.1 s: the suite starts it 3,000 times. Only npm needs it.
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  if (certificates) {
    process.env.npm_config_cafile ??= certificates;
    delete process.env.NODE_EXTRA_CA_CERTS;
  }
  const stopServer = await startTestServer();
  return async () => {
    const unused = readdirSync(home).length === 0;
    const stopped = unused ? undefined : await metalab(['engine', 'stop']);
    await stopServer();
    rmSync(home, { recursive: true, force: true });
    removeFolder();
    if (stopped && stopped.code !== 0) throw new Error(`the engine could not be stopped: ${stopped.stderr}`);
  };
}
