// The Temporal CLI: found, or fetched into metalab's cache folder. The finder is the engine's own, built by `build`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';

const finder = join(root, 'dist', 'engine', 'server', 'temporal-cli.js');

export async function isDone() {
  return Boolean((await orSetupError(async () => (await load()).findTemporalCli()))?.path);
}

export async function run() {
  const { obtainTemporalCli } = await load();
  const { path, source } = await orSetupError(() =>
    obtainTemporalCli({ say: (line) => console.error(line) }),
  );
  console.error(`the Temporal CLI is ${path} (${source})`);
}

function load() {
  if (!existsSync(finder)) {
    throw new SetupError(
      'the part temporal needs a build\n  next: node scripts/setup.mjs deps build temporal',
    );
  }
  return import(pathToFileURL(finder).href);
}

async function orSetupError(action) {
  try {
    return await action();
  } catch (error) {
    throw error.code?.startsWith('METALAB_') ? new SetupError(error.message) : error;
  }
}
