import { statfsSync } from 'node:fs';
import { sep } from 'node:path';
import { formatFolderFault, type OwnFolder } from '../../access/private-folder.js';
import { temporaryFolderChoice } from '../../access/temporary-folder.js';
import { ownFolders } from '../../engine/state-folder.js';

/** Less free space than this counts as full, because the failed write was larger. */
const NO_ROOM_BYTES = 64 * 1024;

/**
 * Words a system error about a file in one of metalab's own folders, with the variable that chooses another folder.
 * Other errors stay unchanged.
 */
export function formatSystemError(thrown: unknown): unknown {
  const { code, path } = (thrown ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return thrown;
  const folder = [...ownFolders(), temporaryFolderChoice()].find((own) =>
    path === undefined ? isFull(code, own) : path === own.path || path.startsWith(own.path + sep),
  );
  return folder ? formatFolderFault(thrown, folder) : thrown;
}

/** A failed write doesn't name its file. */
function isFull(code: string, { path }: OwnFolder): boolean {
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return false;
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize < NO_ROOM_BYTES;
  } catch {
    return false;
  }
}
