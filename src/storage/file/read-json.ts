import { readFile } from 'node:fs/promises';
import { StoreError } from '../../definition/errors.js';
import { faultCode, storeFault } from './faults.js';

/** @returns `undefined` where there is no such file */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, path);
  }
}

/**
 * @returns `undefined` where there is no such file
 * @throws StoreError where it can't be read or is not JSON
 */
export async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new StoreError(
      {
        code: 'METALAB_STORE_CORRUPT',
        where: path,
        what: `is not JSON: ${(error as Error).message}`,
        next: 'restore the file from a copy, or remove it and submit again',
      },
      { cause: error },
    );
  }
}
