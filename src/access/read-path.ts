import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Entry, Identity } from './strangers.js';

/** The number of links that the system follows. */
const MAX_LINKS = 40;

/** This process; undefined on systems without user ids. */
export function processIdentity(): Identity | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  const gids = [process.getegid!(), ...process.getgroups!()];
  rootUid ??= { value: readRootUid() };
  return rootUid.value === undefined ? { uid, gids } : { uid, gids, rootUid: rootUid.value };
}

let rootUid: { readonly value: number | undefined } | undefined;

/** In a user namespace without root, root's files belong to the overflow uid. */
function readRootUid(): number | undefined {
  try {
    const maps = readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n');
    if (maps.some((line) => /^\s*\d+\s+0\s/.test(line))) return undefined;
    return Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'));
  } catch {
    // Not Linux.
    return undefined;
  }
}

/**
 * Everything that determines what is at a path, from the root folder on: each folder and each symbolic link. The last
 * entry is the path's target.
 *
 * @throws the system's error
 */
export function readPath(path: string): Entry[] {
  const entries = [toEntry('/', lstatSync('/'))];
  let at = '/';
  let links = 0;
  const rest = partsOf(resolve(path));
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === '..') {
      at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const stats = lstatSync(next);
    entries.push(toEntry(next, stats));
    if (!stats.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > MAX_LINKS) throw Object.assign(new Error(`ELOOP: ${path}`), { code: 'ELOOP', path });
    const target = readlinkSync(next);
    if (isAbsolute(target)) at = '/';
    rest.unshift(...partsOf(target));
  }
  return entries;
}

/** @returns undefined if there is nothing */
export function readEntry(path: string): Entry | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats && toEntry(path, stats);
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

const toEntry = (path: string, stats: Stats): Entry => ({
  path,
  uid: stats.uid,
  gid: stats.gid,
  mode: stats.isSymbolicLink() ? 0 : stats.mode & 0o7777,
});
