import type { Transport } from './transport.js';

/** Four in parallel, as on this machine: more gain nothing when reading from a disk, and a gateway is shared. */
const COMMAND = ['env', 'LC_ALL=C', 'xargs', '-0', '-n', '100', '-P', '4', 'sha256sum', '--'];

/**
 * Computes the SHA-256 of files on another machine, there.
 *
 * @param paths absolute
 * @returns hashes by path; files that could not be read are missing, and `complaints` says why
 */
export async function hashFilesThere(
  transport: Transport,
  paths: readonly string[],
): Promise<{ readonly hashes: ReadonlyMap<string, string>; readonly complaints: string }> {
  if (paths.length === 0) return { hashes: new Map(), complaints: '' };
  // No time limit: a terabyte takes an hour, and a lost connection is noticed by itself.
  const { stdout, ended } = await transport.stream(COMMAND, { stdin: `${paths.join('\0')}\0` });
  ended.catch(() => {});
  const pieces: Uint8Array[] = [];
  for await (const piece of stdout) pieces.push(piece);
  const { stderr } = await ended;
  return { hashes: parseSums(Buffer.concat(pieces).toString()), complaints: stderr.trim() };
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
