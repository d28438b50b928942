import { readFileSync } from 'node:fs';
import { storeFault } from '../storage/file/faults.js';
import { missingFile, verifyContent } from '../storage/file/verify-content.js';

/**
 * Reads one of the submission's files.
 *
 * @param sha its SHA-256, where it is named by it: a damaged bundle must not run
 * @throws StoreError if it is missing or damaged, or can't be read now
 */
export function readSubmissionFile(path: string, sha?: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? missingFile(path, error)
      : storeFault(error, path);
  }
  if (sha !== undefined) verifyContent(bytes, sha, path);
  return bytes.toString('utf8');
}
