import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { faultCode } from './faults.js';

/**
 * `mkdir -p`. Node's own `recursive` never returns where an existing parent answers ENOENT, as /proc and some mounts do
 * (Node 20).
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if (faultCode(error) !== 'ENOENT' || parent === path) throw error;
    // The parent may be there by now, made by another at the same time: then only this one is missing.
    if (!(await isFolder(parent))) await makeFolder(parent);
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!(await isFolder(path))) throw error;
  }
}

const isFolder = (path: string) =>
  stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
