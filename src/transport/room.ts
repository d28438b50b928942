import { posix } from 'node:path';
import { formatBytes } from '../definition/format-bytes.js';
import type { CommandResult } from './transport.js';
import { spaceError, type TransportError } from './transport-error.js';

/** What a command says whose write found no room. Its locale must be C. */
export const NO_ROOM = /no space left on device|disk quota exceeded/i;

/**
 * Tries to write so many bytes in the nearest folder that there is. Arguments: a folder, the bytes. Output: free bytes (df
 * knows nothing of quotas), the filesystem's size, where it is mounted; stderr: why it could not be written.
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
  /** undefined: the filesystem does not tell. */
  readonly free_bytes: number | undefined;
  readonly mount: string;
  /** Why nothing could be written, in the system's words. */
  readonly refusal: string | undefined;
}

/** Asks a place how much room there is for a file. @param probe_bytes so much is written, and removed */
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
 * @param what needs them, for the message
 * @returns undefined where there is room for so many bytes
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
