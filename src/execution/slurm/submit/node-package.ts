import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { makePrivateFolder, refuseOpenProgram } from '../../../access/private-folder.js';
import { InfrastructureError } from '../../../definition/errors.js';
import { makeFolder } from '../../../storage/file/make-folder.js';

/** Platforms for which Node is published as an npm package. */
export type NodePlatform = 'linux-x64' | 'linux-arm64';

/** A Node to ship. */
export interface NodePackage {
  readonly version: string;
  readonly platform: NodePlatform;
  /** Path of its program on this machine, about 100 MB. */
  readonly program: string;
}

/** Used if this machine's own version is not published: the LTS line that most clusters can run. */
const OTHERWISE = '22';
const DOWNLOAD_MS = 600_000;
const NEXT =
  'load a module that has Node 20.19 or later, or 22.12 or later, in the modules or setup of the environment';

const PLATFORMS: readonly (readonly [RegExp, NodePlatform])[] = [
  [/^Linux (x86_64|amd64)$/, 'linux-x64'],
  [/^Linux (aarch64|arm64)$/, 'linux-arm64'],
];

/**
 * @param system the output of `uname -sm` there
 * @throws InfrastructureError if no Node is published for it
 */
export function nodePlatform(system: string): NodePlatform {
  const platform = PLATFORMS.find(([pattern]) => pattern.test(system.trim()))?.[1];
  if (platform) return platform;
  throw new InfrastructureError({
    code: 'METALAB_NODE_PLATFORM',
    what: `there is no Node to ship to a cluster of ${system.trim() || 'an unknown kind'}`,
    expected: 'Linux on x86_64 or aarch64',
    next: NEXT,
  });
}

/**
 * The Node to ship to a cluster, of this process's own version if it is published, so that the same engine computes
 * numbers there. The user's npm fetches it into a cache, with its registry, proxy and integrity checks.
 *
 * @param cache a folder shared by all projects
 * @throws InfrastructureError if npm is missing or can't fetch it
 */
export async function nodePackage(platform: NodePlatform, cache: string): Promise<NodePackage> {
  const folder = join(cache, 'node');
  const own = packageIn(folder, platform, process.versions.node);
  if (existsSync(own.program)) return refuseOpen(own);
  makePrivateFolder({ path: cache, variable: 'METALAB_CACHE' });
  await makeFolder(folder);
  const scratch = await mkdtemp(join(folder, '.fetching-'));
  try {
    const { version, archive } = await pack(platform, scratch);
    const kept = packageIn(folder, platform, version);
    await run('tar', ['-xzf', archive, '--no-same-owner', '-C', scratch, 'package/bin/node'], scratch);
    await chmod(join(scratch, 'package', 'bin', 'node'), 0o755);
    await makeFolder(dirname(dirname(dirname(kept.program))));
    await rename(join(scratch, 'package'), dirname(dirname(kept.program))).catch((error: unknown) => {
      // Another process has fetched it meanwhile.
      if (!existsSync(kept.program)) throw error;
    });
    return refuseOpen(kept);
  } catch (error) {
    throw error instanceof InfrastructureError ? error : unfetched(platform, error);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** It is shipped to a cluster, which runs it as this user. */
function refuseOpen(found: NodePackage): NodePackage {
  refuseOpenProgram(found.program);
  return found;
}

const packageIn = (folder: string, platform: NodePlatform, version: string): NodePackage => ({
  version,
  platform,
  program: join(folder, `${version}-${platform}`, 'bin', 'node'),
});

interface Packed {
  readonly version: string;
  readonly archive: string;
}

async function pack(platform: NodePlatform, folder: string): Promise<Packed> {
  try {
    return await packVersion(platform, process.versions.node, folder);
  } catch (error) {
    if (!/ETARGET|E404|notarget/i.test(outputOf(error))) throw error;
    return packVersion(platform, OTHERWISE, folder);
  }
}

async function packVersion(platform: NodePlatform, version: string, folder: string): Promise<Packed> {
  const spec = `node-${platform}@${version}`;
  // From a folder without a package.json: no project's configuration applies, only the user's own.
  const { stdout } = await run(npmProgram(), ['pack', spec, '--json', '--ignore-scripts'], folder);
  const [packed] = JSON.parse(stdout) as { readonly version: string; readonly filename: string }[];
  if (!packed) throw new Error(`npm pack ${spec} named no package`);
  return { version: packed.version, archive: join(folder, packed.filename) };
}

/** The npm in PATH, else the one beside this Node. */
function npmProgram(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), dirname(process.execPath)];
  const folder = folders.find((each) => each !== '' && existsSync(join(each, 'npm')));
  return folder === undefined ? 'npm' : join(folder, 'npm');
}

const execute = promisify(execFile);
const run = (program: string, args: readonly string[], cwd: string) =>
  execute(program, args, { cwd, timeout: DOWNLOAD_MS, maxBuffer: 16 * 1024 * 1024 });

const outputOf = (error: unknown): string => {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}`;
};

function unfetched(platform: NodePlatform, error: unknown): InfrastructureError {
  const said = outputOf(error)
    .split('\n')
    .filter((line) => /^npm (ERR!|error) /.test(line) || line.startsWith('tar:'))
    .slice(0, 3)
    .join('; ');
  return new InfrastructureError(
    {
      code: 'METALAB_NODE_PACKAGE',
      what: `Node for ${platform} could not be fetched with npm: ${said || (error as Error).message}`,
      expected: `the npm package node-${platform}`,
      next: `check npm's access to its registry (npm view node-${platform}), or ${NEXT}`,
    },
    { cause: error },
  );
}
