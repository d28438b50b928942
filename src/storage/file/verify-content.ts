import { StoreError } from '../../definition/errors.js';
import { sha256 } from '../../identity/fingerprint.js';

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
    what: 'the file is damaged: its content is not what its name stands for',
    expected: `SHA-256 ${sha}`,
    next: 'submit the experiment again: that writes it anew, and reuses what is recorded',
  });
}
