import { readdirSync, readFileSync, statSync } from 'node:fs';
import { userServer } from '../address.js';
import type { Examiner } from './check.js';

/** User ids of people's accounts begin here (login.defs). */
const FIRST_PERSON = 1000;
/** User ids that systemd assigns to services, and nobody. */
const MADE_UP = [61_184, 65_535] as const;

/**
 * Who else could reach the engine's ports: anybody with an account may read, and cancel, what is there. Found by
 * processes of people's accounts, as far as the system shows them.
 */
export const otherUsers: Examiner = {
  name: 'other users',
  async examine({ env }) {
    const name = 'other users';
    if (await userServer(env))
      return { name, ok: true, detail: 'the Temporal server is user-provided: its TLS and keys decide' };
    const others = otherPeople();
    if (others.length === 0)
      return { name, ok: true, detail: 'nobody else has an account or a process here' };
    return {
      name,
      ok: 'warn',
      detail: `other users have accounts or processes here (${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''}). They can't execute anything as you, but through the engine's ports they can read the names, counts and errors of your sweeps, and cancel them`,
      next: 'if that matters, use a Temporal server with TLS and keys (TEMPORAL_ADDRESS), or submit from your own machine with the cluster as gateway',
    };
  },
};

/** Names of accounts in /etc/passwd that can log in, and uids of processes whose accounts are kept elsewhere (LDAP). */
function otherPeople(): string[] {
  const self = process.getuid?.();
  const names = new Map<number, string>();
  for (const line of readLines('/etc/passwd')) {
    const [name = '', , uid, , , , shell = ''] = line.split(':');
    if (isPerson(Number(uid)) && !/(nologin|false)$/.test(shell)) names.set(Number(uid), name);
  }
  for (const uid of uidsOfProcesses()) if (isPerson(uid) && !names.has(uid)) names.set(uid, `uid ${uid}`);
  if (self !== undefined) names.delete(self);
  return [...names.values()];
}

const isPerson = (uid: number) => uid >= FIRST_PERSON && (uid < MADE_UP[0] || uid > MADE_UP[1]);

/** Linux only; with hidepid it shows only one's own. */
function uidsOfProcesses(): Set<number> {
  const uids = new Set<number>();
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const uid = statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid;
      if (uid !== undefined) uids.add(uid);
    }
  } catch {
    // There is no /proc here, or a listed process has ended.
  }
  return uids;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
