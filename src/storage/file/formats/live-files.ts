import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveProgress } from '../../manifest.js';
import { listNames } from '../list-names.js';
import { temporaryBeside } from '../owner.js';

/**
 * Overwrites a worker's live file. Not synced: it is only shown.
 *
 * @param folder the submission's live folder. Only its plan creates that: a worker that was taken for dead must not
 *   create it again after the end
 * @throws the system's error
 */
export async function writeLiveFile(folder: string, progress: LiveProgress): Promise<void> {
  const path = join(folder, `${progress.worker}.json`);
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, JSON.stringify(progress));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The live files of a folder, without those that can't be read. */
export async function readLiveFiles(folder: string): Promise<LiveProgress[]> {
  const names = (await listNames(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  const files = await Promise.all(names.map((name) => readLiveFile(join(folder, name))));
  return files.filter((file) => file !== undefined);
}

async function readLiveFile(path: string): Promise<LiveProgress | undefined> {
  try {
    const file = JSON.parse(await readFile(path, 'utf8')) as LiveProgress | null;
    return Array.isArray(file?.chunks) ? file : undefined;
  } catch {
    return undefined;
  }
}
