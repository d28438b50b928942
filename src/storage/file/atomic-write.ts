import { link, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { claimName } from './claim-name.js';
import { faultCode, storeFault } from './faults.js';
import { makeFolder } from './make-folder.js';
import { temporaryBeside } from './owner.js';
import { syncFolder } from './sync-folder.js';

/**
 * Writes a file as a whole or not at all: readers see the old content or the new, also after a power cut.
 *
 * @throws StoreError where the folder can't be written or the disk is full
 */
export async function writeAtomically(path: string, content: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    const temporary = await writeBeside(path, content);
    try {
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  } catch (error) {
    throw storeFault(error, path);
  }
}

/**
 * Writes a file as a whole or not at all, without flushing it: for what a power cut may take. Its folder must be there.
 *
 * @throws the system's error
 */
export async function writeUnsynced(path: string, content: string): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, content, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes a file as a whole where none has the name yet.
 *
 * @returns whether it was this one that got it
 * @throws StoreError where the folder can't be written or the disk is full
 */
export async function writeOnce(path: string, content: string): Promise<boolean> {
  let temporary: string | undefined;
  try {
    temporary = await writeBeside(path, content);
    const first = await giveName(temporary, path);
    if (first) await syncFolder(dirname(path));
    return first;
  } catch (error) {
    throw storeFault(error, path);
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true });
  }
}

/** `link` fails where the name is taken; not every filesystem has hard links. */
async function giveName(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const code = faultCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes(code)) throw error;
    return claimName(path, () => rename(temporary, path));
  }
}

/** Writes and fsyncs a temporary file in the target's folder. @returns its path */
async function writeBeside(path: string, content: string): Promise<string> {
  const temporary = temporaryBeside(path);
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}
