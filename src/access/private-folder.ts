import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { InfrastructureError } from '../definition/errors.js';
import { processIdentity, readPath } from './read-path.js';
import { formatEntry, type Opening, openingsAbove, openingsIn } from './strangers.js';

/** One of metalab's own folders, and the variable that sets its location. */
export interface OwnFolder {
  readonly path: string;
  readonly variable: 'METALAB_HOME' | 'METALAB_CACHE' | 'TMPDIR';
}

/**
 * Creates a folder that nobody else may enter, and checks that this user owns it.
 *
 * @throws InfrastructureError if it can't be created, or other users can change it
 */
export function makePrivateFolder(folder: OwnFolder): void {
  try {
    refuseOpenFolder(folder);
    mkdirSync(folder.path, { recursive: true, mode: 0o700 });
    // Checked again: another user may have been faster.
    refuseOpenFolder(folder);
    chmodSync(folder.path, 0o700);
  } catch (error) {
    throw formatFolderFault(error, folder);
  }
}

/**
 * Does nothing if there is none yet.
 *
 * @throws InfrastructureError METALAB_FOLDER_UNSAFE if other users can change what is in the folder
 */
export const refuseOpenFolder = (folder: OwnFolder): void => refuseOpenings(folder, openingsOf(folder.path));

export function refuseOpenings({ path, variable }: OwnFolder, [opening]: readonly Opening[]): void {
  if (!opening) return;
  const { entry, kind } = opening;
  throw new InfrastructureError({
    code: 'METALAB_FOLDER_UNSAFE',
    where: `${variable} (${path})`,
    what: `other users can change what is in it: ${entry.path} (${formatEntry(entry)})`,
    expected: 'a folder of your own that only you can write to, in folders that nobody else can rename',
    next: `set ${variable} to another folder${kind === 'owner' ? '' : `, or run chmod go-w '${entry.path}'`}`,
  });
}

/** A program of metalab's cache. @throws InfrastructureError METALAB_FOLDER_UNSAFE if other users can change it */
export const refuseOpenProgram = (path: string): void =>
  refuseOpenFolder({ path, variable: 'METALAB_CACHE' });

/** How other users can change a file or folder of this user; empty if it does not exist. */
export function openingsOf(path: string): Opening[] {
  const who = processIdentity();
  if (!who) return [];
  try {
    const way = readPath(path);
    return [...openingsIn(way.slice(-1), who), ...openingsAbove(way.slice(0, -1), who, who.uid)];
  } catch (error) {
    return isMissing(error) && dirname(path) !== path ? openingsForNewIn(dirname(path)) : [];
  }
}

/**
 * How other users can change what this user creates in a folder or, if that does not exist, in the nearest existing
 * folder above it.
 */
export function openingsForNewIn(path: string): Opening[] {
  const who = processIdentity();
  if (!who) return [];
  try {
    return openingsAbove(readPath(path), who, who.uid);
  } catch (error) {
    return isMissing(error) && dirname(path) !== path ? openingsForNewIn(dirname(path)) : [];
  }
}

/** A path that can't be inspected can't be used either: using it gives the error. */
const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

const WORDINGS: { readonly [code: string]: string } = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the filesystem is read-only',
  ENOSPC: 'no space is left on its disk',
  EDQUOT: 'the disk quota is used up',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'it is a file, not a folder',
};

const NO_ROOM = ['ENOSPC', 'EDQUOT'];

/** Words a system error about one of metalab's own folders, with the variable to change. Other errors stay as they are. */
export function formatFolderFault(error: unknown, { path, variable }: OwnFolder): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const what = Object.hasOwn(WORDINGS, code) ? WORDINGS[code] : undefined;
  if (what === undefined || error instanceof InfrastructureError) return error;
  const elsewhere = `set ${variable} to a folder that you can write to, e.g. export ${variable}=${EXAMPLES[variable]}`;
  return new InfrastructureError(
    {
      code: 'METALAB_FOLDER',
      where: `${variable} (${path})`,
      what: `metalab can't write there: ${what}`,
      next: `${NO_ROOM.includes(code) ? 'make room there, or ' : ''}${elsewhere}; metalab doctor looks at all of them`,
    },
    { cause: error },
  );
}

const EXAMPLES = {
  METALAB_HOME: '/scratch/$USER/metalab',
  METALAB_CACHE: '/scratch/$USER/metalab-cache',
  TMPDIR: '/scratch/$USER/tmp',
};
