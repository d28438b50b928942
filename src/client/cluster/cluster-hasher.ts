import { posix } from 'node:path';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { DirRule } from '../../definition/context.js';
import type { HashedFile } from '../../definition/declaration.js';
import { MetalabError, type Problem } from '../../definition/errors.js';
import { formatBytes } from '../../definition/format-bytes.js';
import { isCluster, openCluster } from '../../execution/open-cluster.js';
import { FileHashCache, type FileStamp } from '../../identity/file-hash-cache.js';
import {
  type ContextHasher,
  changing,
  describeDir,
  formatNoFile,
  type HashedDir,
} from '../../identity/files.js';
import { matcherOf, unreadable } from '../../identity/list-files.js';
import { hashFilesThere } from '../../transport/hash-files.js';
import { type FoundFile, type Listing, listFilesThere } from '../../transport/list-files.js';
import type { Prompter } from '../../transport/prompter.js';
import type { Transport } from '../../transport/transport.js';

export interface ClusterHasherOptions {
  /** Asks the user if the cluster's login needs it. */
  readonly prompter?: Prompter | undefined;
  /** Called before steps that may take long. */
  readonly say?: ((line: string) => void) | undefined;
  readonly cache?: FileHashCache;
}

/** Hashes a context's files on their cluster; unchanged files are not read again. */
export class ClusterHasher implements ContextHasher {
  readonly #environment: () => Promise<ResolvedEnvironment>;
  readonly #options: ClusterHasherOptions;
  readonly #cache: FileHashCache;
  #opened: Promise<Transport> | undefined;

  /** It connects on first use. */
  constructor(environment: () => Promise<ResolvedEnvironment>, options: ClusterHasherOptions = {}) {
    this.#environment = environment;
    this.#options = options;
    this.#cache = options.cache ?? new FileHashCache();
  }

  hashAll(paths: readonly string[]): Promise<readonly (HashedFile | Problem)[]> {
    return this.#there(
      async (transport) => {
        const listings = await listFilesThere(
          transport,
          paths.map((path) => ({ path, below: false })),
        );
        const wanted = listings.map(describeSelf);
        const files = wanted.filter((each): each is StampedFile => !('what' in each));
        const hashed = new Map((await this.#hash(transport, files)).map((each, at) => [files[at], each]));
        return wanted.map((each) => ('what' in each ? each : hashed.get(each)!));
      },
      (problem) => paths.map(() => problem),
    );
  }

  hashDir(path: string, pattern?: string, rule?: DirRule): Promise<HashedDir> {
    return this.#there(
      async (transport) => {
        const [listing] = await listFilesThere(transport, [{ path, below: true }]);
        const listed = describeBelow(path, listing, pattern, rule);
        return describeDir(listed, await this.#hash(transport, listed.files));
      },
      (problem) => ({ path, content_hash: '', files: [], hashed: [], problems: [problem] }),
    );
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close();
  }

  /** An unreachable cluster is one more problem of the input, reported together with the others. */
  async #there<T>(work: (transport: Transport) => Promise<T>, refuse: (problem: Problem) => T): Promise<T> {
    try {
      const environment = await this.#environment();
      if (!isCluster(environment)) return refuse(noCluster(environment));
      this.#opened ??= openCluster(environment, this.#options.prompter).then(({ transport }) => transport);
      return await work(await this.#opened);
    } catch (error) {
      if (!(error instanceof MetalabError)) throw error;
      const { where, what, expected, next } = error;
      const told = { ...(expected && { expected }), ...(next && { next }) };
      return refuse({ what: `can't be looked at: ${where ? `${where}: ` : ''}${what}`, ...told });
    }
  }

  async #hash(transport: Transport, files: readonly StampedFile[]): Promise<(HashedFile | Problem)[]> {
    const key = (path: string) => `${transport.place}:${path}`;
    const known = new Map<string, string>();
    for (const { path, stamp } of files) {
      const hash = this.#cache.get(key(path), stamp);
      if (hash !== undefined) known.set(path, hash);
    }
    const unknown = files.filter(({ path }) => !known.has(path));
    const bytes = unknown.reduce((sum, { stamp }) => sum + stamp.size, 0);
    if (bytes > TELL_BYTES)
      this.#options.say?.(
        `hashing ${unknown.length} files of ${formatBytes(bytes)} on ${transport.place}, once`,
      );
    const read = await hashFilesThere(
      transport,
      unknown.map(({ path, stamp }) => ({ path, size_bytes: stamp.size })),
    );
    const after = await listFilesThere(
      transport,
      unknown.map(({ path }) => ({ path, below: false })),
    );
    const changed = new Set<string>();
    for (const [index, { path, stamp }] of unknown.entries()) {
      const now = after[index] && describeSelf(after[index]);
      const hash = read.hashes.get(path);
      if (!now || 'what' in now || JSON.stringify(now.stamp) !== JSON.stringify(stamp)) changed.add(path);
      // A change within the resolution of the cluster's file times is noticed by the next caller, not by the time.
      else if (hash && Date.now() / 1000 - Number(stamp.mtime_ns) / 1e9 > RACY_S)
        this.#cache.set(key(path), stamp, hash);
    }
    this.#cache.save();
    return files.map(({ path, stamp }) => {
      const hash = known.get(path) ?? read.hashes.get(path);
      if (hash === undefined) return formatComplaint(path, read.complaints);
      if (changed.has(path)) return changing(path);
      return {
        path,
        content_hash: hash,
        size_bytes: stamp.size,
        mtime_ms: Number(stamp.mtime_ns) / 1e6,
        inode: Number(stamp.inode),
      };
    });
  }
}

/** Smaller amounts are hashed before the user notices. */
const TELL_BYTES = 1e9;
/** Clocks of machines differ. */
const RACY_S = 60;

interface StampedFile {
  readonly path: string;
  readonly stamp: FileStamp;
}

const stampOf = ({ size, inode, mtime, ctime }: FoundFile): FileStamp => ({
  size,
  mtime_ns: nanoseconds(mtime),
  ctime_ns: nanoseconds(ctime),
  inode,
});

/** `1700000000.1234567890` has more digits than there are. */
function nanoseconds(seconds: string): string {
  const [whole, fraction = ''] = seconds.split('.');
  return `${whole}${fraction.padEnd(9, '0').slice(0, 9)}`;
}

function describeSelf({ path: written, found, complaints }: Listing): StampedFile | Problem {
  const path = posix.normalize(written);
  const [self] = found;
  if (!self || self.kind === 'link') return formatComplaint(path, complaints.join('\n'));
  return self.kind === 'file' ? { path, stamp: stampOf(self) } : formatNoFile(path, self.kind === 'folder');
}

function describeBelow(
  asked: string,
  listing: Listing | undefined,
  pattern: string | undefined,
  rule: DirRule | undefined,
) {
  const { found, complaints } = listing ?? { found: [], complaints: [] };
  const path = posix.normalize(listing?.path ?? asked).replace(/(.)\/$/, '$1');
  const matches = matcherOf(pattern, rule);
  const here = found
    .filter((each) => matches(each.path))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const problems = [
    // A link to a parent folder would recurse forever, and is left out here as on this machine.
    ...complaints.filter((line) => !/loop/i.test(line)).map((line) => formatComplaint(path, line)),
    ...here.filter(({ kind }) => kind === 'link').map((each) => missing(posix.join(path, each.path))),
  ];
  const files = here
    .filter(({ kind }) => kind === 'file')
    .map((each) => ({ relative: each.path, path: posix.join(path, each.path), stamp: stampOf(each) }));
  return { path, pattern, paths: files.map(({ relative }) => relative), files, problems };
}

const missing = (path: string) => unreadable(path, { code: 'ENOENT' });

/** An error of `find` or `sha256sum` for a path, in the words used for files of this machine. */
function formatComplaint(path: string, complaints: string): Problem {
  const lines = complaints.split('\n');
  const line = lines.find((each) => each.includes(path)) ?? lines[0] ?? '';
  if (line === '' || /no such file|not a directory/i.test(line)) return missing(path);
  if (/permission denied/i.test(line)) return unreadable(path, { code: 'EACCES' });
  return unreadable(path, { message: line });
}

const noCluster = ({ name, type }: ResolvedEnvironment): Problem => ({
  what: `is on a cluster, but the environment '${name}' has none (type ${type})`,
  expected: "an environment of type 'slurm'",
  next: 'submit with --env NAME; metalab env list shows which there are',
});
