import { readdir } from 'node:fs/promises';
import { faultCode, storeFault } from './faults.js';

/** Names in a folder, sorted, without hidden ones (temporary files are); none where there is no folder. */
export async function listNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if (faultCode(error) === 'ENOENT' || faultCode(error) === 'ENOTDIR') return [];
    throw storeFault(error, folder);
  }
}
