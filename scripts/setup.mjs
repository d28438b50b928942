// Sets up what a clone needs: node scripts/setup.mjs [deps] [build] [temporal] [tests] [slurm] [python] [temporal-server]
// Plain JavaScript, nothing from node_modules: it is what installs them. Quick where there is nothing to do (100 ms).
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNode } from './setup/node-version.mjs';
import { root } from './setup/root.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { digest } from './setup/stamp.mjs';

/** In the order in which they build on each other. A part: is there nothing to do, and doing it. */
const PARTS = {
  deps: () => import('./setup/deps.mjs'),
  build: () => import('./setup/build.mjs'),
  temporal: () => import('./setup/temporal.mjs'),
  tests: () => import('./setup/tests.mjs'),
  slurm: () => import('./setup/slurm.mjs'),
  python: () => import('./setup/python.mjs'),
  'temporal-server': () => import('./setup/temporal-server.mjs'),
};

try {
  checkNode();
  await setUp(chosenParts(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}

async function setUp(names) {
  const { withLock } = await import('../src/engine/lock.mjs');
  // Not in node_modules, which npm ci empties.
  const lock = join(tmpdir(), `metalab-setup-${process.getuid?.() ?? 0}-${digest([root]).slice(0, 16)}.lock`);
  const onWait = (owner) => console.error(`waiting for another set-up of this clone (${owner}) …`);
  for (const name of names) {
    const part = await PARTS[name]();
    if (await part.isDone()) continue;
    await withLock(lock, async () => (await part.isDone()) || part.run(), { onWait });
  }
}

function chosenParts(names) {
  const unknown = names.filter((name) => !(name in PARTS));
  if (names.length > 0 && unknown.length === 0)
    return Object.keys(PARTS).filter((name) => names.includes(name));
  const what = unknown.length > 0 ? `unknown part ${unknown.join(', ')}` : 'no part was named';
  throw new SetupError(`${what}\n  expected: some of ${Object.keys(PARTS).join(', ')}`);
}
