import { readFile } from 'node:fs/promises';
import { StoreError } from '../../../definition/errors.js';
import { faultCode, storeFault } from '../../../storage/file/faults.js';
import { missingFile, verifyContent } from '../../../storage/file/verify-content.js';

/**
 * Reads a JSON file that was uploaded for a submission.
 *
 * @param sha its SHA-256, if that is its name
 * @throws StoreError if it is missing, damaged, or can't be read now
 */
export async function readSpoolFile<T>(path: string, sha?: string): Promise<T> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw faultCode(error) === 'ENOENT' ? missingFile(path, error) : storeFault(error, path);
  });
  if (sha !== undefined) verifyContent(bytes, sha, path);
  try {
    return JSON.parse(bytes.toString('utf8')) as T;
  } catch {
    throw new StoreError({
      code: 'METALAB_STORE_CORRUPT',
      where: path,
      what: 'it is damaged: it is not JSON',
      next: 'submit the experiment again: what is recorded is reused',
    });
  }
}
