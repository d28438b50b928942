import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { makePrivateFolder } from '../access/private-folder.js';
import { makeFolder } from '../storage/file/make-folder.js';

const DOWNLOAD_MS = 600_000;

/** A package's archive, as the registry has it. */
export interface PackedPackage {
  readonly version: string;
  readonly archive: string;
}

/**
 * Runs an action with a folder for what it fetches, in a folder of the cache; removes it afterwards.
 *
 * @param cache a folder shared by all projects
 * @param folder in the cache
 */
export async function withFetchFolder<Result>(
  cache: string,
  folder: string,
  action: (scratch: string) => Promise<Result>,
): Promise<Result> {
  makePrivateFolder({ path: cache, variable: 'METALAB_CACHE' });
  await makeFolder(folder);
  const scratch = await mkdtemp(join(folder, '.fetching-'));
  try {
    return await action(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Fetches a package's archive with the user's npm: its registry, proxy and integrity checks.
 *
 * @param spec `name@version`
 * @param integrity the only content that is accepted, e.g. `sha512-…`
 */
export async function packPackage(spec: string, folder: string, integrity?: string): Promise<PackedPackage> {
  // From a folder without a package.json: no project's configuration applies, only the user's own.
  const { stdout } = await run(npmProgram(), ['pack', spec, '--json', '--ignore-scripts'], folder);
  const [packed] = JSON.parse(stdout) as { readonly version: string; readonly filename: string }[];
  if (!packed) throw new Error(`npm pack ${spec} named no package`);
  const archive = join(folder, packed.filename);
  if (integrity !== undefined) {
    const found = await integrityOf(archive);
    if (found !== integrity) throw new Error(`${spec} is not what it was: ${found}, and not ${integrity}`);
  }
  return { version: packed.version, archive };
}

async function integrityOf(archive: string): Promise<string> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(archive), hash);
  return `sha512-${hash.digest('base64')}`;
}

/** Unpacks a package into a folder, where it is `package`; some of its files and folders, where they are named. */
export async function unpackPackage(
  archive: string,
  names: readonly string[],
  folder: string,
): Promise<string> {
  const members = names.map((name) => `package/${name}`);
  await run('tar', ['-xzf', archive, '--no-same-owner', '-C', folder, ...members], folder);
  return join(folder, 'package');
}

/** Gives a folder its final name, unless another process has been faster. */
export async function keepPackage(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await rename(from, to).catch((error: unknown) => {
    if (!existsSync(to)) throw error;
  });
}

/** What npm or tar said when they failed. */
export const outputOf = (error: unknown): string => {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  return `${stdout}${stderr}`;
};

/** The lines of it that tell why, else the error's own message. */
export function reasonOf(error: unknown): string {
  const said = outputOf(error)
    .split('\n')
    .filter((line) => /^npm (ERR!|error) /.test(line) || line.startsWith('tar:'))
    .slice(0, 3)
    .join('; ');
  return said || (error as Error).message;
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
