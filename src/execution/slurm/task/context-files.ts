import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ContextPlaces } from '../../../definition/context-places.js';
import type { HashedFile } from '../../../definition/declaration.js';
import { StoreError } from '../../../definition/errors.js';
import { hashContent } from '../../../identity/hash-content.js';

/**
 * Compares the context's files with the experiment's declaration, once for all slots of the task.
 *
 * @returns the files as they are here
 * @throws StoreError naming every file that is missing or has other content
 */
export async function findContextFiles(
  files: readonly HashedFile[],
  places: { readonly [path: string]: string },
): Promise<HashedFile[]> {
  const map = new ContextPlaces(places);
  const found: HashedFile[] = [];
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const file of files) {
    for (const path of map.allOf(file)) {
      if (seen.has(path)) continue;
      seen.add(path);
      try {
        found.push(await compare({ ...file, path }));
      } catch (error) {
        wrong.push(`${path}: ${(error as Error).message}`);
      }
    }
  }
  if (wrong.length === 0) return found;
  throw new StoreError({
    code: 'METALAB_CONTEXT_FILES',
    what: `context files on this node differ from the declaration: ${wrong.join('; ')}`,
    expected: 'the content that the experiment was submitted with',
    next: 'submit the experiment again: missing files are uploaded, and changed ones give its runs an identity of their own',
  });
}

/** The precision of milliseconds since 1970 as a number. */
const CLOSE_MS = 0.001;

async function compare(file: HashedFile): Promise<HashedFile> {
  const before = await stat(file.path);
  if (before.size !== file.size_bytes) throw new Error(`it has ${before.size} bytes, not ${file.size_bytes}`);
  // Hashed where it is: reading a large file again in every task would take hours.
  const isSame = before.ino === file.inode && Math.abs(before.mtimeMs - file.mtime_ms) < CLOSE_MS;
  if (file.on && isSame) return { ...file, mtime_ms: before.mtimeMs };
  const { content_hash: content } = await hashContent(file.path);
  if (content !== file.content_hash) throw new Error(`its SHA-256 is ${content}, not ${file.content_hash}`);
  return { ...file, size_bytes: before.size, mtime_ms: before.mtimeMs, inode: before.ino };
}

/** Locations as absolute paths: relative ones are in the spool. */
export const resolvePlaces = (places: { readonly [path: string]: string }, spool: string) =>
  Object.fromEntries(Object.entries(places).map(([path, place]) => [path, resolve(spool, place)]));
