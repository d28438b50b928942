import { accessSync, constants, statfsSync } from 'node:fs';
import { formatFolderFault, type OwnFolder, refuseOpenFolder } from '../../access/private-folder.js';
import { checkTemporaryFolder, temporaryFolderChoice } from '../../access/temporary-folder.js';
import { InfrastructureError } from '../../definition/errors.js';
import { formatBytes } from '../../definition/format-bytes.js';
import { MIB } from '../../definition/memory-size.js';
import { ownFolders } from '../state-folder.js';
import type { Check, Examiner } from './check.js';
import { nearestFolder } from './nearest-folder.js';

const LITTLE_ROOM = 256 * MIB;
const NO_ROOM = 4 * MIB;

/** metalab's own folders must be writable, and nobody else may change them. */
export const folders: Examiner = {
  name: 'folders',
  examine: ({ env }) => [...ownFolders(env).map(lookAtOwn), lookAtTemporary(temporaryFolderChoice())],
};

function lookAtOwn(folder: OwnFolder): Check {
  const { path, variable } = folder;
  const there = nearestFolder(path);
  return look(folder, path === there ? path : `${path} (not created yet)`, () => {
    refuseOpenFolder({ path, variable });
    accessSync(there, constants.W_OK | constants.X_OK);
  });
}

const lookAtTemporary = (folder: OwnFolder): Check =>
  look(folder, folder.path, () => checkTemporaryFolder(folder));

function look(folder: OwnFolder, detail: string, check: () => void): Check {
  const name = folder.variable;
  try {
    check();
    const { bavail, bsize } = statfsSync(nearestFolder(folder.path));
    const free = bavail * bsize;
    const room = `${detail}, ${formatBytes(free)} free`;
    if (free >= LITTLE_ROOM) return { name, ok: true, detail: room };
    const next = `make room there, or set ${name} to a folder on another disk`;
    return { name, ok: free < NO_ROOM ? false : 'warn', detail: room, next };
  } catch (error) {
    const worded = formatFolderFault(error, folder);
    if (!(worded instanceof InfrastructureError)) throw error;
    const { what, next } = worded;
    return { name, ok: false, detail: `${folder.path}: ${what}`, ...(next ? { next } : {}) };
  }
}
