import type { Transport } from './transport.js';

/** A file, folder or link as `find` there reports it, links followed. */
export interface FoundFile {
  /** `file`: a regular file. `link`: a broken link. */
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Relative to the requested path; empty for that path itself. */
  readonly path: string;
  readonly size: number;
  readonly inode: string;
  /** Seconds since 1970, as `find` prints them: with more digits than a number holds. */
  readonly mtime: string;
  readonly ctime: string;
}

/** What was found at one path. */
export interface Listing {
  /** Absolute path. */
  readonly path: string;
  readonly found: readonly FoundFile[];
  /** Error messages of `find`, one per line. */
  readonly complaints: readonly string[];
}

/**
 * For each pair on the input, `self PATH` or `below PATH`: prints the absolute path, what is there, and complaints;
 * each followed by NUL.
 */
const SCRIPT = `export LC_ALL=C
case $2 in
  /*) path=$2 ;;
  '~') path=$PWD ;;
  '~/'*) path=$PWD/\${2#??} ;;
  *) path=$PWD/$2 ;;
esac
printf '@%s\\0' "$path"
if [ "$1" = self ]; then
  { said=$(find -L "$path" -maxdepth 0 -printf '%y %s %i %T@ %C@ \\0' 2>&1 >&3); } 3>&1
else
  { said=$(find -L "$path/" \\( -type f -o -type l \\) -printf '%y %s %i %T@ %C@ %P\\0' 2>&1 >&3); } 3>&1
fi
printf '!%s\\0' "$said"
`;

const KINDS: { readonly [type: string]: FoundFile['kind'] } = { f: 'file', d: 'folder', l: 'link' };

/**
 * Lists files on another machine, all in one round trip.
 *
 * @param paths absolute, or relative to the login's home, also written `~`; `below`: lists every file below the path,
 *   instead of the path itself
 */
export async function listFilesThere(
  transport: Transport,
  paths: readonly { readonly path: string; readonly below: boolean }[],
): Promise<Listing[]> {
  if (paths.length === 0) return [];
  const stdin = paths.map(({ path, below }) => `${below ? 'below' : 'self'}\0${path}\0`).join('');
  const command = ['xargs', '-0', '-n', '2', 'sh', '-c', SCRIPT, 'metalab'];
  const { stdout } = await transport.run(command, { stdin, timeout_ms: LISTING_MS });
  return parseListings(stdout);
}

/** A network filesystem may need this long for a folder with a million files. */
const LISTING_MS = 600_000;

function parseListings(output: string): Listing[] {
  const listings: { path: string; found: FoundFile[]; complaints: string[] }[] = [];
  for (const entry of output.split('\0')) {
    const last = listings.at(-1);
    if (entry.startsWith('@')) listings.push({ path: entry.slice(1), found: [], complaints: [] });
    else if (entry.startsWith('!')) last?.complaints.push(...entry.slice(1).split('\n').filter(Boolean));
    else {
      const [, type, size, inode, mtime, ctime, path] =
        /^(\S) (\d+) (\d+) (\S+) (\S+) (.*)$/s.exec(entry) ?? [];
      if (type && inode && mtime && ctime && path !== undefined)
        last?.found.push({ kind: KINDS[type] ?? 'other', path, size: Number(size), inode, mtime, ctime });
    }
  }
  return listings;
}
