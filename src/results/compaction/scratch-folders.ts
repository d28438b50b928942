import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { faultCode } from '../../storage/file/faults.js';
import { runsFolder } from '../../storage/file/layout.js';
import { isOrphan, temporaryName } from '../../storage/file/owner.js';

/** Everything that a compaction writes until it publishes is in a hidden folder `.compacting-{place}-{pid}-{random}`. */
const PREFIX = '.compacting-';
/** On another machine or in another container nobody can tell whether a process runs. A million runs take half a minute. */
const BUSY_MS = 60 * 60 * 1000;
/** A process that was halted for so long finds its folder gone, and fails without harm. */
const FOREIGN_MS = 24 * 60 * 60 * 1000;

/** The path of a new one, of this process: it is not made yet. */
export const newScratchFolder = (folder: string) => join(runsFolder(folder), PREFIX + temporaryName());

/**
 * Removes what compactions that were killed left behind. What can't be removed stays.
 *
 * @returns whether another process is compacting the experiment now
 */
export async function tidyScratchFolders(folder: string): Promise<boolean> {
  const names = await readdir(runsFolder(folder)).catch((error: unknown) => {
    if (faultCode(error) === 'ENOENT') return [];
    throw error;
  });
  let busy = false;
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    const path = join(runsFolder(folder), name);
    const age = await ageOf(path);
    if (isOrphan(name) || age > FOREIGN_MS) await rm(path, { recursive: true, force: true }).catch(() => {});
    else if (age < BUSY_MS) busy = true;
  }
  return busy;
}

/** In milliseconds; endless where it is gone. */
const ageOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
