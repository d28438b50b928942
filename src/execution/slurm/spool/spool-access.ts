import {
  type Entry,
  formatEntry,
  type Identity,
  openingsAbove,
  openingsIn,
} from '../../../access/strangers.js';
import type { CommandResult } from '../../../transport/transport.js';
import { fileError, TransportError } from '../../../transport/transport-error.js';

/** Prints the login's user; the spool and what is executed from it; the folders above it. One per line. */
const LOOK_SCRIPT = `LC_ALL=C; export LC_ALL
cd "$1" || exit 74
id -u; id -G
for entry in . store.json runtime runtime/* node node/*; do
  if [ -e "$entry" ]; then stat -c 'in %u %g %a %n' "$entry"; fi
done
at=$(pwd -P)
while [ "$at" != / ]; do
  at=\${at%/*}
  at=\${at:-/}
  stat -c 'above %u %g %a %n' "$at"
done`;

const LINE = /^(in|above) (\d+) (\d+) ([0-7]+) (.+)$/;

/**
 * Refuses a spool that strangers can change: compute nodes execute its files as this user. The owners of the folders
 * above it are trusted, since a cluster's project folders belong to a group's head; others must not be able to replace
 * it.
 *
 * @param root the spool's absolute path
 * @throws TransportError METALAB_TRANSPORT_FILE naming each path with its owner and mode; what `run` throws
 */
export async function refuseOpenSpool(
  place: string,
  run: (command: readonly string[]) => Promise<CommandResult>,
  root: string,
): Promise<void> {
  const { exitCode, stdout, stderr } = await run(['sh', '-c', LOOK_SCRIPT, 'metalab', root]);
  const { who, inside, above } = parseLook(stdout);
  if (exitCode !== 0 || inside.length === 0)
    throw fileError(place, root, `its owner and mode can't be read: ${stderr.trim()}`);
  const openings = [
    ...openingsIn(inside, who),
    ...openingsAbove(above, who, who.uid).filter(({ kind }) => kind !== 'owner'),
  ];
  if (openings.length === 0) return;
  const told = openings.map(({ entry }) => `${entry.path} (${formatEntry(entry)})`).join(', ');
  const mendable = openings.filter(({ kind, entry }) => kind !== 'owner' && entry.uid === who.uid);
  const chmod = mendable.map(({ entry }) => `'${entry.path.replace(/^\./, root)}'`).join(' ');
  throw new TransportError({
    code: 'METALAB_TRANSPORT_FILE',
    where: place,
    what: `other users can change what would be executed from file_root ${root}: ${told}`,
    next: `${chmod ? `run there: chmod go-w ${chmod}, or ` : ''}set file_root to a folder of your own`,
  });
}

function parseLook(stdout: string): {
  readonly who: Identity;
  readonly inside: Entry[];
  readonly above: Entry[];
} {
  const [uid = '', gids = '', ...lines] = stdout.split('\n');
  const entries = lines.flatMap((line) => {
    const [, where, owner, group, mode, path] = LINE.exec(line) ?? [];
    if (path === undefined) return [];
    const entry = {
      path,
      uid: Number(owner),
      gid: Number(group),
      mode: Number.parseInt(mode!, 8),
    };
    return [{ where, entry }];
  });
  const of = (wanted: string) => entries.flatMap(({ where, entry }) => (where === wanted ? [entry] : []));
  const who = { uid: Number(uid), gids: gids.split(' ').map(Number) };
  return { who, inside: of('in'), above: of('above') };
}
