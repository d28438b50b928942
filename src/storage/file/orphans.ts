import { lstat, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isOrphan } from './owner.js';

/**
 * Removes what processes of this machine that were killed left in a folder: temporary files, scratch folders. What can't
 * be removed stays, and what is another user's; a folder that is not there has none.
 *
 * @param prefix how their names begin
 * @returns whether there were any
 */
export async function removeOrphans(folder: string, prefix: string): Promise<boolean> {
  let any = false;
  try {
    // Not all names at once: a folder of artifacts may hold a million.
    for await (const { name } of await opendir(folder)) {
      if (!name.startsWith(prefix) || !isOrphan(name)) continue;
      const path = join(folder, name);
      // In /tmp anybody may make such names. Who deletes a stranger's folder is led by its links.
      if (!(await isOwn(path))) continue;
      any = true;
      await rm(path, { recursive: true, force: true }).catch(() => {});
    }
  } catch {
    // Whoever comes next tries again.
  }
  return any;
}

const isOwn = (path: string) =>
  lstat(path).then(
    ({ uid }) => uid === (process.geteuid?.() ?? uid),
    () => false,
  );
