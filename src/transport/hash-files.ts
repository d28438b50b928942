import type { Transport } from './transport.js';

/** Four in parallel, as on this machine: more gain nothing when reading from a disk, and a gateway is shared. */
const COMMAND = ['env', 'LC_ALL=C', 'xargs', '-0', '-n', '100', '-P', '4', 'sha256sum', '--'];

/** A filesystem that reads more slowly than this is taken for hanging. */
const MIN_BYTES_PER_MS = 5_000;
const START_MS = 60_000;
/** Timers take no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface FileToHash {
  /** Absolute. */
  readonly path: string;
  readonly size_bytes: number;
}

/**
 * Computes the SHA-256 of files on another machine, there.
 *
 * @param start_ms time limit beside what reading takes at 5 MB/s
 * @returns hashes by path; files that could not be read are missing, and `complaints` says why
 * @throws TransportError METALAB_TRANSPORT_TIMEOUT
 */
export async function hashFilesThere(
  transport: Transport,
  files: readonly FileToHash[],
  start_ms = START_MS,
): Promise<{ readonly hashes: ReadonlyMap<string, string>; readonly complaints: string }> {
  if (files.length === 0) return { hashes: new Map(), complaints: '' };
  const bytes = files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  const { stdout, stderr } = await transport.run(COMMAND, {
    stdin: files.map(({ path }) => `${path}\0`).join(''),
    timeout_ms: Math.min(MAX_TIMER_MS, start_ms + bytes / MIN_BYTES_PER_MS),
  });
  return { hashes: parseSums(stdout), complaints: stderr.trim() };
}

/** One `{hash}  {path}` per line; if a line begins with a backslash, its path is escaped. */
function parseSums(output: string): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, escaped, hash, path] = /^(\\?)([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (hash && path) hashes.set(escaped ? unescapePath(path) : path, hash);
  }
  return hashes;
}

const ESCAPES: { readonly [letter: string]: string } = { n: '\n', r: '\r', '\\': '\\' };
const unescapePath = (path: string) => path.replace(/\\([nr\\])/g, (_, letter: string) => ESCAPES[letter]!);
