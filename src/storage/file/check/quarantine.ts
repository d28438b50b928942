import { copyFile, link, rename, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { makeFolder } from '../make-folder.js';

/** Where in `quarantine/` a file goes: its path, and a number where one is there already. */
async function quarantinePlace(folder: string, path: string): Promise<string> {
  const place = join(folder, 'quarantine', relative(folder, path));
  await makeFolder(dirname(place));
  for (let number = 0; ; number++) {
    const free = number === 0 ? place : `${place}.${number}`;
    if (!(await stat(free).catch(() => undefined))) return free;
  }
}

/** Moves a file of an experiment out of the readers' way. @returns where to */
export async function moveToQuarantine(folder: string, path: string): Promise<string> {
  const place = await quarantinePlace(folder, path);
  await rename(path, place);
  return place;
}

/** Keeps a file in the quarantine that is about to be replaced. @returns where */
export async function keepInQuarantine(folder: string, path: string): Promise<string> {
  const place = await quarantinePlace(folder, path);
  await link(path, place).catch(() => copyFile(path, place));
  return place;
}
