import { statSync } from 'node:fs';
import { ContextPlaces } from '../../definition/context-places.js';
import type { HashedFile } from '../../definition/declaration.js';
import { hashFile } from '../outputs/hash-file.js';

interface Seen {
  readonly file: HashedFile;
  size: number;
  mtime: number;
  inode: number;
}

/** Detects when a file of the context no longer has the content that the runs' identity is based on. */
export class ContextGuard {
  readonly #seen: Seen[];
  #cost = 0;

  /** @param places where the files are: a file that was moved is read and compared before the first run */
  constructor(files: readonly HashedFile[], places = new ContextPlaces()) {
    this.#seen = files.flatMap((file) =>
      places.allOf(file).map((path) => ({
        file: { ...file, path },
        size: file.size_bytes,
        mtime: file.mtime_ms,
        inode: file.inode,
      })),
    );
  }

  get hasFiles(): boolean {
    return this.#seen.length > 0;
  }

  /** Duration of the last check, milliseconds: about 3 µs per file on a local disk. */
  get costMs(): number {
    return this.#cost;
  }

  /** @returns what has changed, as a run's error message; undefined if all is as declared */
  check(): string | undefined {
    if (this.#seen.length === 0) return undefined;
    const started = performance.now();
    let changed: string | undefined;
    for (const seen of this.#seen) {
      changed = checkOne(seen);
      if (changed) break;
    }
    this.#cost = performance.now() - started;
    return changed;
  }
}

function checkOne(seen: Seen): string | undefined {
  const { path, content_hash } = seen.file;
  const next = 'submit the experiment again, so that its runs get an identity of their own';
  try {
    const stat = statSync(path);
    if (stat.mtimeMs === seen.mtime && stat.size === seen.size && stat.ino === seen.inode) return undefined;
    if (hashFile(path).content_hash !== content_hash) {
      return `${path} has changed since the experiment was submitted; ${next}`;
    }
    // Touched or copied, but unchanged: its new times are remembered.
    Object.assign(seen, { size: stat.size, mtime: stat.mtimeMs, inode: stat.ino });
    return undefined;
  } catch (error) {
    return `${path} can't be read any more (${(error as Error).message}); put it back, or ${next}`;
  }
}
