import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { faultCode } from './faults.js';

/** Some network filesystems refuse to sync folders, and lose nothing by it. */
const REFUSALS = new Set(['EINVAL', 'ENOTSUP', 'EBADF', 'EPERM']);

/** A new or renamed file survives a power failure once its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!REFUSALS.has(faultCode(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** The same for slots, which write synchronously. */
export function syncFolderSync(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!REFUSALS.has(faultCode(error) ?? '')) throw error;
  } finally {
    closeSync(fd);
  }
}
