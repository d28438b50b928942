import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../definition/errors.js';
import {
  isSameEngine,
  LEASE_EXPIRES_MS,
  LEASE_RENEWED_MS,
  type Lease,
  type LeaseHolder,
  type Leasing,
} from '../lease.js';
import { faultCode, storeFault } from './faults.js';
import { leaseFile } from './layout.js';
import { temporaryBeside } from './owner.js';

/** By so much the clocks of two machines may differ: until then only watching tells whether a lease is still renewed. */
const SKEW_MS = 10 * 60_000;
/** Longer than a renewal takes to come. */
const WATCH_MS = LEASE_RENEWED_MS + 5_000;
const LOOK_EVERY_MS = 500;
const GUARD_MS = 10_000;
const GUARD_EVERY_MS = 20;

/** The lease as it was found. Its text changes with each renewal; torn, it is somebody's, and nobody knows whose. */
interface Found {
  readonly text: string;
  readonly lease: Lease | undefined;
  readonly mtimeMs: number;
}

/**
 * The lease of a store that is a folder: `lease.json`, created exclusively, renewed by a rename.
 *
 * A lease's age is the difference of two mtimes, its own and that of a file written now: on NFS one server's clock gives
 * both. On Lustre and CephFS clients give them, so up to 10 min of age it must also be seen not to change, on a monotonic
 * clock, for longer than a renewal takes.
 */
export function fileLease(root: string): Leasing {
  const path = leaseFile(root);
  let watched: { readonly text: string; readonly since: number } | undefined;

  async function isExpired(found: Found): Promise<boolean | 'unsure'> {
    if (watched?.text !== found.text) watched = { text: found.text, since: performance.now() };
    const age = (await timeThere(root)) - found.mtimeMs;
    if (age > SKEW_MS) return true;
    if (Math.abs(age) <= LEASE_EXPIRES_MS) return false;
    return performance.now() - watched.since >= WATCH_MS || 'unsure';
  }

  return {
    readLease: async () => (await read(path))?.lease,

    async readLiveLease() {
      const found = await read(path);
      if (!found?.lease) return undefined;
      // Who may only read the store has his own clock; `SKEW_MS` allows for it.
      const now = await timeThere(root).catch(() => Date.now());
      return now - found.mtimeMs > SKEW_MS ? undefined : found.lease;
    },

    async takeLease(holder, { takeOver = false, wait = false } = {}) {
      try {
        for (;;) {
          const found = await read(path);
          if (!found) {
            if (await create(path, holder)) return;
          } else if (found.lease && isSameEngine(found.lease, holder)) {
            if (holder.worker === null && isRenewedByWorker(found)) return;
            await renew(path, holder);
            return;
          } else {
            const expired = takeOver || (await isExpired(found));
            if (expired === true) {
              if (await replace(path, found, holder)) return;
            } else if (expired === 'unsure' && wait) await sleep(LOOK_EVERY_MS);
            else throw held(root, found);
          }
        }
      } catch (error) {
        throw storeFault(error, path);
      }
    },

    async releaseLease(holder) {
      for (;;) {
        const found = await read(path);
        const { lease } = found ?? {};
        if (!found || !lease || !isSameEngine(lease, holder)) return;
        // Another worker of this engine may have submissions in hand: then it was, or soon will be, the last to renew.
        if (lease.worker !== holder.worker && lease.worker !== null) return;
        if (await replace(path, found, undefined)) return;
      }
    },
  };
}

async function read(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { text, lease: parse(text), mtimeMs };
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, path);
  }
}

function parse(text: string): Lease | undefined {
  try {
    const lease = JSON.parse(text) as Partial<Lease> | null;
    return typeof lease?.address === 'string' && typeof lease.namespace === 'string'
      ? (lease as Lease)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What time it is where the store's files get their mtimes. */
async function timeThere(root: string): Promise<number> {
  const probe = temporaryBeside(leaseFile(root));
  try {
    await writeFile(probe, '?', { flag: 'wx' });
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}

/** @returns false where another was quicker */
async function create(path: string, holder: LeaseHolder): Promise<boolean> {
  const temporary = await writeTemporary(path, holder);
  try {
    // It shows the content whole; not every filesystem has links.
    await link(temporary, path).catch(async (error: unknown) => {
      if (faultCode(error) === 'EEXIST') throw error;
      await writeFile(path, textOf(holder), { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if (faultCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function renew(path: string, holder: LeaseHolder): Promise<void> {
  const temporary = await writeTemporary(path, holder);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Puts a lease in the place of the one that was found, and of no other; or takes that away, where `holder` is undefined.
 * One process at a time does so: with a moment in which there is none, two could have it.
 *
 * @returns whether it did
 */
async function replace(path: string, found: Found, holder: LeaseHolder | undefined): Promise<boolean> {
  const guard = `${path}.guard`;
  try {
    await writeFile(guard, '', { flag: 'wx' });
  } catch (error) {
    if (faultCode(error) !== 'EEXIST') throw error;
    await dropStaleGuard(path, guard);
    await sleep(GUARD_EVERY_MS);
    return false;
  }
  try {
    if ((await read(path))?.text !== found.text) return false;
    if (holder) await renew(path, holder);
    else await rm(path, { force: true });
    return true;
  } finally {
    await rm(guard, { force: true });
  }
}

/** Of a process that was killed within the few milliseconds that it needs one. */
async function dropStaleGuard(path: string, guard: string): Promise<void> {
  const made = await stat(guard).catch(() => undefined);
  if (made && (await timeThere(join(path, '..'))) - made.mtimeMs > GUARD_MS) await rm(guard, { force: true });
}

// Not synced: after a power cut nobody holds it, and a torn one is as old as its mtime says.
async function writeTemporary(path: string, holder: LeaseHolder): Promise<string> {
  const temporary = temporaryBeside(path);
  await writeFile(temporary, textOf(holder), { flag: 'wx' });
  return temporary;
}

const textOf = (holder: LeaseHolder): string =>
  `${JSON.stringify({ ...holder, renewed_at: new Date().toISOString() } satisfies Lease, undefined, 2)}\n`;

/** Its workers renew it: a client need not. */
const isRenewedByWorker = ({ lease, mtimeMs }: Found): boolean =>
  lease?.worker !== null && Math.abs(Date.now() - mtimeMs) < 2 * LEASE_RENEWED_MS;

function held(root: string, { lease, mtimeMs }: Found): StoreError {
  const who = !lease
    ? 'somebody whose lease cannot be read'
    : lease.namespace === ''
      ? `${lease.address} on ${lease.host}`
      : `the engine with Temporal at ${lease.address}, namespace ${lease.namespace}, on ${lease.host}`;
  const renewed = lease?.renewed_at ?? new Date(mtimeMs).toISOString();
  return new StoreError({
    code: 'METALAB_STORE_HELD',
    where: root,
    what: `the store is in use by ${who}; its lease was last renewed at ${renewed}`,
    expected: 'one engine at a time on a store: two would do the same runs twice',
    next: `submit there; or wait until that is done, or its lease has expired (${LEASE_EXPIRES_MS / 1000} s without renewal); or take the store over with metalab submit --take-over: what runs there then waits`,
  });
}
