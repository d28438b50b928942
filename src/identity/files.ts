import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DirRule } from '../definition/context.js';
import type { HashedFile } from '../definition/declaration.js';
import { eachAtOnce } from '../definition/each-at-once.js';
import type { Problem } from '../definition/errors.js';
import { canonicalJson } from './canonical.js';
import { FileHashCache, type FileStamp } from './file-hash-cache.js';
import { sha256 } from './fingerprint.js';
import { hashContent } from './hash-content.js';
import { listFiles, unreadable } from './list-files.js';

/** A folder of the context, hashed. */
export interface HashedDir {
  readonly path: string;
  /** SHA-256 of the canonical JSON of `[relative path, content hash]` of every file, sorted by path. */
  readonly content_hash: string;
  /** Relative to `path`, with `/` as separator, sorted. */
  readonly files: readonly string[];
  readonly hashed: readonly HashedFile[];
  /** Everything that could not be read. If there is any, the hash is not valid. */
  readonly problems: readonly Problem[];
}

/** Hashes files at one place: this machine, or a cluster. */
export interface ContextHasher {
  /** One result for every path, in order: the file, or why it can't be read. */
  hashAll(paths: readonly string[]): Promise<readonly (HashedFile | Problem)[]>;
  /** Reports all that can't be read. `pattern` is a glob against relative paths. */
  hashDir(path: string, pattern?: string, rule?: DirRule): Promise<HashedDir>;
}

/** Files modified this recently may be modified again within the resolution of the file system's times. */
const RACY_MS = 2_000;
/** Reading is limited by the disk, so more at once saves no time. */
const AT_ONCE = 4;

/** Hashes files by their content. Unchanged files are not read again. */
export class FileHasher implements ContextHasher {
  readonly #cache: FileHashCache;

  constructor(cache: FileHashCache = new FileHashCache()) {
    this.#cache = cache;
  }

  /** Hashes a folder's files. `pattern` is a glob against their relative paths. Reports all that can't be read. */
  async hashDir(path: string, pattern?: string, rule?: DirRule): Promise<HashedDir> {
    const folder = resolve(path);
    const { paths, problems } = listFiles(folder, { pattern, rule });
    const results = await this.hashAll(paths.map((file) => join(folder, file)));
    return describeDir({ path: folder, pattern, paths, problems }, results);
  }

  /** One result for every path, in order: the file, or why it can't be read. */
  async hashAll(paths: readonly string[]): Promise<(HashedFile | Problem)[]> {
    const results: (HashedFile | Problem)[] = new Array(paths.length);
    await eachAtOnce(paths, AT_ONCE, async (path, index) => {
      results[index] = await this.#hash(path);
    });
    this.#cache.save();
    return results;
  }

  async #hash(path: string): Promise<HashedFile | Problem> {
    try {
      const before = await stat(path, { bigint: true });
      if (!before.isFile()) return notAFile(path, before);
      const known = this.#cache.get(path, stampOf(before));
      if (known) return describe(path, before, known);
      const { content_hash: contentHash } = await hashContent(path);
      const after = await stat(path, { bigint: true });
      if (after.mtimeNs !== before.mtimeNs || after.size !== before.size || after.ino !== before.ino)
        return changing(path);
      if (Date.now() - Number(after.mtimeMs) > RACY_MS) this.#cache.set(path, stampOf(after), contentHash);
      return describe(path, after, contentHash);
    } catch (error) {
      return unreadable(path, error);
    }
  }
}

/**
 * Describes a folder by its hashed files.
 *
 * @param listed its files' relative paths, sorted, and what could not be listed
 * @param results of each file, in that order
 */
export function describeDir(
  listed: {
    readonly path: string;
    readonly pattern: string | undefined;
    readonly paths: readonly string[];
    readonly problems: readonly Problem[];
  },
  results: readonly (HashedFile | Problem)[],
): HashedDir {
  const { path, pattern, paths } = listed;
  const hashed = results.filter((result): result is HashedFile => !('what' in result));
  const problems = [...listed.problems, ...results.filter((result): result is Problem => 'what' in result)];
  if (paths.length === 0 && problems.length === 0) problems.push(empty(path, pattern));
  const pairs = results.map((result, index) => [
    paths[index]!,
    'what' in result ? null : result.content_hash,
  ]);
  return { path, content_hash: sha256(canonicalJson(pairs)), files: paths, hashed, problems };
}

const stampOf = (stats: BigIntStats): FileStamp => ({
  size: Number(stats.size),
  mtime_ns: String(stats.mtimeNs),
  ctime_ns: String(stats.ctimeNs),
  inode: String(stats.ino),
});

const describe = (path: string, stats: BigIntStats, contentHash: string): HashedFile => ({
  path,
  content_hash: contentHash,
  size_bytes: Number(stats.size),
  mtime_ms: Number(stats.mtimeNs) / 1e6,
  inode: Number(stats.ino),
});

const notAFile = (path: string, stats: BigIntStats): Problem => formatNoFile(path, stats.isDirectory());

export const formatNoFile = (path: string, isFolder: boolean): Problem =>
  isFolder
    ? { where: path, what: 'is a folder', expected: 'a file', next: 'use dir(…) instead of file(…)' }
    : {
        where: path,
        what: 'is neither a file nor a folder',
        expected: 'a file',
        next: 'copy its content into a file',
      };

export const changing = (path: string): Problem => ({
  where: path,
  what: 'changes while it is read',
  expected: 'a file that nobody writes to',
  next: 'wait until it is complete, and try again',
});

const empty = (folder: string, pattern: string | undefined): Problem => ({
  where: folder,
  what: pattern === undefined ? 'holds no file' : `holds no file that matches '${pattern}'`,
  expected: 'at least one file',
  next: pattern === undefined ? 'check the path' : "check the pattern; '**/' reaches into folders below",
});
