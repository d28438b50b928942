import { posix } from 'node:path';
import { formatBytes } from '../definition/format-bytes.js';
import type { CommandResult } from './transport.js';
import { spaceError, type TransportError } from './transport-error.js';

/** The message of a command that found no room to write. Its locale must be C. */
export const NO_ROOM = /no space left on device|disk quota exceeded/i;

/**
 * Tries to write a number of bytes in the nearest existing folder. Arguments: a folder, the number. Output: free bytes
 * (df does not know quotas), the filesystem's size, its mount point; stderr: why writing failed.
 */
const ROOM = `LC_ALL=C; export LC_ALL
d=$1
while [ ! -d "$d" ]; do case $d in */*) d=\${d%/*}; d=\${d:-/} ;; *) d=. ;; esac; done
cd "$d" || exit 74
f=.metalab-room-$$
head -c "$2" /dev/zero > "$f"
rm -f "$f"
df -Pk . | awk 'NR == 2 { $1 = ""; $3 = ""; $5 = ""; print }'`;

export interface Room {
  /** undefined: the filesystem does not report it. */
  readonly free_bytes: number | undefined;
  readonly mount: string;
  /** Why nothing could be written, as the system's message. */
  readonly refusal: string | undefined;
}

/**
 * Asks how much room there is for a file. @param probe_bytes number of bytes that are written for the test, and removed
 */
export async function askRoom(
  run: (command: readonly string[]) => Promise<CommandResult>,
  folder: string,
  probe_bytes: number,
): Promise<Room> {
  const { stdout, stderr } = await run(['sh', '-c', ROOM, 'metalab', folder, String(probe_bytes)]);
  const [, size, free, mount] = /^\s*(\d+)\s+(\d+)\s+(.+)$/m.exec(stdout) ?? [];
  const said = stderr.trim().split('\n')[0] ?? '';
  return {
    free_bytes: size === undefined || size === '0' ? undefined : Number(free) * 1024,
    mount: mount ?? folder,
    refusal: said === '' ? undefined : said.replace(/^.*: /, ''),
  };
}

/**
 * @param what the purpose of the bytes, for the message
 * @returns undefined if there is room for them
 */
export function noRoomFor(
  place: string,
  what: string,
  bytes: number,
  { free_bytes, mount, refusal }: Room,
): TransportError | undefined {
  const refused = refusal !== undefined && NO_ROOM.test(refusal);
  if (!refused && (free_bytes === undefined || free_bytes >= bytes)) return undefined;
  const why = refused && /quota/i.test(refusal) ? 'disk quota exceeded on' : 'no space left on';
  const free = free_bytes === undefined ? '' : `, ${formatBytes(free_bytes)} free`;
  return spaceError(place, `${why} ${mount}: ${formatBytes(bytes)} needed for ${what}${free}`);
}

export const parentOf = (path: string) => posix.dirname(path);
