import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const BLOCK_BYTES = 1024 * 1024;

/** A file's SHA-256 (hex) and size, read in blocks; each block is also given to `onBlock`. */
export function hashFile(
  path: string,
  onBlock?: (block: Uint8Array) => void,
): { content_hash: string; size_bytes: number } {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  const fd = openSync(path, 'r');
  let size = 0;
  try {
    for (;;) {
      const read = readSync(fd, block, 0, BLOCK_BYTES, null);
      if (read === 0) return { content_hash: hash.digest('hex'), size_bytes: size };
      const part = block.subarray(0, read);
      hash.update(part);
      onBlock?.(part);
      size += read;
    }
  } finally {
    closeSync(fd);
  }
}
