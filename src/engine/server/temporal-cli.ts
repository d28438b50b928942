import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { cacheFolder, type Environment } from '../../access/own-folders.js';
import { refuseOpenProgram } from '../../access/private-folder.js';
import { InfrastructureError, messageOf } from '../../definition/errors.js';
import { withLock } from '../lock.mjs';
import { makeCacheFolder } from '../state-folder.js';
import { downloadTemporalCli } from './temporal-cli-download.js';
import { installTemporalCliWithGo } from './temporal-cli-go.js';

/**
 * Where the Temporal CLI is, and how it is installed. scripts/setup.mjs uses the same code from dist/, before
 * node_modules are complete, so nothing here may import a package.
 */

/** The newest tag that `go install` accepts: later ones have replace directives in their go.mod. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';

export interface TemporalCli {
  readonly path: string;
  readonly source: 'METALAB_TEMPORAL' | 'PATH' | 'cache' | 'download' | 'go install';
}

export interface ObtainOptions {
  readonly env?: Environment;
  /** Called with one line about each long step. */
  readonly say?: (line: string) => void;
}

/**
 * Looks in METALAB_TEMPORAL, then on PATH, then in metalab's cache folder.
 *
 * @throws InfrastructureError (METALAB_TEMPORAL_CLI) if METALAB_TEMPORAL names no executable file,
 *   (METALAB_FOLDER_UNSAFE) if other users can change the one in the cache
 */
export function findTemporalCli(env: Environment = process.env): TemporalCli | undefined {
  if (env.METALAB_TEMPORAL) return named(env.METALAB_TEMPORAL);
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = resolve(folder, 'temporal');
    if (folder !== '' && isExecutable(path)) return { path, source: 'PATH' };
  }
  const cached = cachedCli(env);
  if (!isExecutable(cached)) return undefined;
  refuseOpenProgram(cached);
  return { path: cached, source: 'cache' };
}

/**
 * Finds the Temporal CLI, or installs it in the cache folder: by download, else by building it if Go is present.
 *
 * @throws InfrastructureError (METALAB_TEMPORAL_CLI) that says why each way failed and what to install
 */
export async function obtainTemporalCli({
  env = process.env,
  say = () => {},
}: ObtainOptions = {}): Promise<TemporalCli> {
  const found = findTemporalCli(env);
  if (found) return found;
  const path = cachedCli(env);
  makeCacheFolder(env);
  const onWait = (owner: string) => say(`waiting for ${owner}, which is installing the Temporal CLI …`);
  return withLock(`${path}.lock`, async () => findTemporalCli(env) ?? (await install(path, env, say)), {
    onWait,
  });
}

async function install(path: string, env: Environment, say: (line: string) => void): Promise<TemporalCli> {
  const failures: string[] = [];
  for (const [source, get] of [
    ['download', downloadTemporalCli],
    ['go install', installTemporalCliWithGo],
  ] as const) {
    try {
      await get({ path, version: TEMPORAL_CLI_VERSION, env, say });
      return { path, source };
    } catch (error) {
      failures.push(`${source}: ${messageOf(error)}`);
    }
  }
  throw new InfrastructureError({
    code: 'METALAB_TEMPORAL_CLI',
    what: `the Temporal CLI is not on this machine and could not be fetched\n${failures.map((failure) => `  - ${failure}`).join('\n')}`,
    expected: `METALAB_TEMPORAL to name it, \`temporal\` on PATH, or ${path}`,
    next: 'install it from https://docs.temporal.io/cli (`brew install temporal`, or unpack a release onto your PATH), or set TEMPORAL_ADDRESS to a Temporal server that runs elsewhere',
  });
}

function named(value: string): TemporalCli {
  const path = resolve(value);
  if (isExecutable(path)) return { path, source: 'METALAB_TEMPORAL' };
  throw new InfrastructureError({
    code: 'METALAB_TEMPORAL_CLI',
    where: 'METALAB_TEMPORAL',
    what: `${path} is not an executable file`,
    expected: 'the path of the Temporal CLI',
    next: 'correct METALAB_TEMPORAL, or unset it: metalab then looks on PATH and in its cache folder',
  });
}

const cachedCli = (env: Environment) => join(cacheFolder(env), 'temporal');

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
