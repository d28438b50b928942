import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseOpenProgram } from '../../../access/private-folder.js';
import { InfrastructureError } from '../../../definition/errors.js';
import {
  keepPackage,
  outputOf,
  type PackedPackage,
  packPackage,
  reasonOf,
  unpackPackage,
  withFetchFolder,
} from '../../npm-package.js';

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
  try {
    return await withFetchFolder(cache, folder, async (scratch) => {
      const { version, archive } = await pack(platform, scratch);
      const unpacked = await unpackPackage(archive, ['bin/node'], scratch);
      await chmod(join(unpacked, 'bin', 'node'), 0o755);
      await keepPackage(unpacked, join(folder, `${version}-${platform}`));
      return refuseOpen(packageIn(folder, platform, version));
    });
  } catch (error) {
    throw error instanceof InfrastructureError ? error : unfetched(platform, error);
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

async function pack(platform: NodePlatform, folder: string): Promise<PackedPackage> {
  try {
    return await packPackage(`node-${platform}@${process.versions.node}`, folder);
  } catch (error) {
    if (!/ETARGET|E404|notarget/i.test(outputOf(error))) throw error;
    return packPackage(`node-${platform}@${OTHERWISE}`, folder);
  }
}

function unfetched(platform: NodePlatform, error: unknown): InfrastructureError {
  return new InfrastructureError(
    {
      code: 'METALAB_NODE_PACKAGE',
      what: `Node for ${platform} could not be fetched with npm: ${reasonOf(error)}`,
      expected: `the npm package node-${platform}`,
      next: `check npm's access to its registry (npm view node-${platform}), or ${NEXT}`,
    },
    { cause: error },
  );
}
