import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { faultCode, storeFault } from '../../../storage/file/faults.js';
import { makeFolder } from '../../../storage/file/make-folder.js';
import { claimFolder } from './array-files.js';
import type { TaskIdentity } from './task-identity.js';

/**
 * Claims a task's block. One process gets the claim for each of the task's restarts.
 *
 * @returns false if another process has it
 * @throws StoreError if the array's folder can't be written
 */
export async function claimBlock(array: string, { task, restart }: TaskIdentity): Promise<boolean> {
  const claim = claimFolder(array, task, restart);
  try {
    await makeFolder(dirname(claim));
    await mkdir(claim);
    return true;
  } catch (error) {
    if (faultCode(error) === 'EEXIST') return false;
    throw storeFault(error, claim);
  }
}
