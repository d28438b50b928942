import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../access/own-folders.js';
import { openingsOf } from '../access/private-folder.js';
import { replaceFile } from '../access/replace-file.js';

/** Metadata that shows whether a file is still the one that was hashed. */
export interface FileStamp {
  readonly size: number;
  /** Nanoseconds since 1970, as text: a number has too few digits. */
  readonly mtime_ns: string;
  /**
   * The time of the last change of any kind, which tools that preserve times (`rsync --times --inplace`, `touch -r`)
   * can't preserve.
   */
  readonly ctime_ns: string;
  readonly inode: string;
}

interface CachedHash extends FileStamp {
  readonly content_hash: string;
}

const STAMPS = ['size', 'mtime_ns', 'ctime_ns', 'inode'] as const;

/** Enough for data sets of many files, small enough to be read in a tenth of a second. */
const MAX_ENTRIES = 100_000;

/**
 * Hashes of files by their absolute path, kept between processes. Written as a whole and renamed into place, so
 * concurrent writers at worst lose each other's entries. An unreadable cache counts as empty.
 */
export class FileHashCache {
  readonly #file: string;
  readonly #added = new Map<string, CachedHash>();
  #loaded: Map<string, CachedHash> | undefined;

  constructor(folder: string = cacheFolder()) {
    this.#file = join(folder, 'file-hashes.json');
  }

  get(path: string, stamp: FileStamp): string | undefined {
    this.#loaded ??= this.#read();
    const entry = this.#added.get(path) ?? this.#loaded.get(path);
    const isSame = entry && STAMPS.every((key) => entry[key] === stamp[key]);
    return isSame ? entry.content_hash : undefined;
  }

  set(path: string, stamp: FileStamp, contentHash: string): void {
    this.#added.set(path, { ...stamp, content_hash: contentHash });
  }

  /** Writes the added entries, and keeps those that other processes have added meanwhile. Does not fail if the cache can't be written. */
  save(): void {
    if (this.#added.size === 0) return;
    const entries = [...this.#read(), ...this.#added].slice(-MAX_ENTRIES);
    try {
      mkdirSync(join(this.#file, '..'), { recursive: true, mode: 0o700 });
      replaceFile(this.#file, JSON.stringify({ version: 1, files: Object.fromEntries(entries) }));
      this.#loaded = new Map(entries);
      this.#added.clear();
    } catch {
      // Then the files are hashed again.
    }
  }

  #read(): Map<string, CachedHash> {
    // Another user could have written it, so it is not trusted.
    if (openingsOf(this.#file).length > 0) return new Map();
    try {
      const { version, files } = JSON.parse(readFileSync(this.#file, 'utf8')) as {
        readonly version: unknown;
        readonly files: { readonly [path: string]: CachedHash };
      };
      return version === 1
        ? new Map(Object.entries(files).filter(([, entry]) => isCachedHash(entry)))
        : new Map();
    } catch {
      return new Map();
    }
  }
}

function isCachedHash(entry: Partial<CachedHash> | null): entry is CachedHash {
  return /^[0-9a-f]{64}$/.test(String(entry?.content_hash));
}
