import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveProgress } from '../../manifest.js';
import { writeUnsynced } from '../atomic-write.js';
import { listNames } from '../list-names.js';

/**
 * Overwrites a worker's live file. Only the plan creates the folder: a worker that was taken for dead must not create it
 * again after the end.
 *
 * @throws the system's error
 */
export const writeLiveFile = (folder: string, progress: LiveProgress): Promise<void> =>
  writeUnsynced(join(folder, `${progress.worker}.json`), JSON.stringify(progress));

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
