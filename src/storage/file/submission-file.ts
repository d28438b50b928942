import { readFile } from 'node:fs/promises';
import { StoreError } from '../../definition/errors.js';
import { sha256 } from '../../identity/fingerprint.js';
import type { PlanManifest } from '../manifest.js';
import { faultCode, storeFault } from './faults.js';
import { planFile } from './layout.js';

/**
 * Checks what is named by its SHA-256.
 *
 * @throws StoreError METALAB_STORE_CORRUPT where the bytes are not those that the name stands for
 */
export function verifyContent(bytes: Uint8Array | string, sha: string, path: string): void {
  if (sha256(bytes) === sha) return;
  throw new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: 'the file is damaged: its content does not match its name',
    expected: `SHA-256 ${sha}`,
    next: 'submit the experiment again: that rewrites it, and reuses what is recorded',
  });
}

/**
 * Reads a file without which a submission can't be carried out.
 *
 * @param sha its SHA-256, where it is named by it: a damaged bundle must not run
 * @throws StoreError if it is missing or damaged, or can't be read now
 */
export async function readSubmissionFile(path: string, sha?: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadableFile(path, error);
  });
  if (sha !== undefined) verifyContent(bytes, sha, path);
  return bytes.toString('utf8');
}

/** The same of a JSON file. */
export async function readSubmissionJson<T>(path: string, sha?: string): Promise<T> {
  const text = await readSubmissionFile(path, sha);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new StoreError({
      code: 'METALAB_STORE_CORRUPT',
      where: path,
      what: 'it is damaged: it is not JSON',
      next: 'submit the experiment again: what is recorded is reused',
    });
  }
}

export const readSubmissionPlan = (folder: string, submission: string) =>
  readSubmissionJson<PlanManifest>(planFile(folder, submission));

/** What the filesystem threw when such a file was read. */
export const unreadableFile = (path: string, error: unknown): Error =>
  faultCode(error) === 'ENOENT' ? missingFile(path, error) : storeFault(error, path);

const missingFile = (path: string, cause: unknown): StoreError =>
  new StoreError(
    {
      code: 'METALAB_STORE_INCOMPLETE',
      where: path,
      what: 'the file is missing, and the submission can not be carried out without it',
      next: 'submit the experiment again: that rewrites it, and reuses what is recorded',
    },
    { cause },
  );
