import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { refuseOpenProgram } from '../../access/private-folder.js';
import { InfrastructureError } from '../../definition/errors.js';
import { packPackage, reasonOf, unpackPackage, withFetchFolder } from '../../execution/npm-package.js';
import type { NodePlatform } from '../../execution/slurm/submit/node-package.js';

const execute = promisify(execFile);
const require = createRequire(import.meta.url);

/** DuckDB for Node, to be shipped. */
export interface DuckdbPackage {
  /** Names version and platform. */
  readonly name: string;
  /** Unpacks as `node_modules`; 25 MB. */
  readonly archive: string;
}

/**
 * The DuckDB that metalab itself uses, for a platform, as npm has it. Fetched once into a cache.
 *
 * @param cache a folder shared by all projects
 * @throws InfrastructureError METALAB_DUCKDB_PACKAGE if npm can't fetch it
 */
export async function duckdbPackage(platform: NodePlatform, cache: string): Promise<DuckdbPackage> {
  const { version } = require('@duckdb/node-api/package.json') as { readonly version: string };
  const name = `duckdb-${version}-${platform}`;
  const folder = join(cache, 'duckdb');
  const archive = join(folder, `${name}.tgz`);
  if (!existsSync(archive)) await fetchDuckdb(version, platform, { cache, folder, archive });
  refuseOpenProgram(archive);
  return { name, archive };
}

async function fetchDuckdb(
  version: string,
  platform: NodePlatform,
  { cache, folder, archive }: { readonly cache: string; readonly folder: string; readonly archive: string },
): Promise<void> {
  const names = ['node-api', 'node-bindings', `node-bindings-${platform}`].map((name) => `@duckdb/${name}`);
  try {
    await withFetchFolder(cache, folder, async (scratch) => {
      for (const name of names) {
        const packed = await packPackage(`${name}@${version}`, scratch);
        const to = join(scratch, 'node_modules', name);
        await mkdir(dirname(to), { recursive: true });
        await rename(await unpackPackage(packed.archive, [], scratch), to);
      }
      const made = join(scratch, 'made.tgz');
      await execute('tar', ['-czf', made, '-C', scratch, 'node_modules']);
      await rename(made, archive);
    });
  } catch (error) {
    if (error instanceof InfrastructureError) throw error;
    throw new InfrastructureError(
      {
        code: 'METALAB_DUCKDB_PACKAGE',
        what: `DuckDB for ${platform} could not be fetched with npm: ${reasonOf(error)}`,
        expected: `the npm packages ${names.join(', ')}`,
        next: `check npm's access to its registry (npm view ${names.at(-1)})`,
      },
      { cause: error },
    );
  }
}
