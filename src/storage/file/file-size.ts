import { stat } from 'node:fs/promises';
import { faultCode, storeFault } from './faults.js';

/** Bytes; undefined where the file is gone. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (faultCode(error) === 'ENOENT' || faultCode(error) === 'ENOTDIR') return undefined;
    throw storeFault(error, path);
  }
}
