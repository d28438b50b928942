import { stat } from 'node:fs/promises';
import { faultCode, storeFault } from './faults.js';

/** Bytes; 0 where the file is gone. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return 0;
    throw storeFault(error, path);
  }
}
