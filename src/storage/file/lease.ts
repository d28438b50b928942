import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../definition/errors.js';
import { isSameEngine, LEASE_EXPIRES_MS, LEASE_RENEWED_MS, type Lease, type LeaseHolder } from '../lease.js';
import { writeOnce, writeUnsynced } from './atomic-write.js';
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

export interface TakeOptions {
  /** Take it whoever has it. */
  readonly takeOver?: boolean;
  /** Watch what seems expired until that is sure, at most 20 s. Without it: refused, and sure at a later call. */
  readonly wait?: boolean;
}

/**
 * A store's lease: `lease.json`, created exclusively, renewed by a rename. Reading a store needs none.
 *
 * A lease's age is the difference of two mtimes, its own and that of a file written now: on NFS one server's clock gives
 * both. On Lustre and CephFS clients give them, so up to 10 min of age it must also be seen not to change, on a monotonic
 * clock, for longer than a renewal takes.
 */
export class StoreLease {
  readonly #root: string;
  readonly #path: string;
  #watched: { readonly text: string; readonly since: number } | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#path = leaseFile(root);
  }

  async read(): Promise<Lease | undefined> {
    return (await read(this.#path))?.lease;
  }

  /** The lease, unless it has surely expired: a single look is sure 10 min after the last renewal, or where there is none. */
  async readLive(): Promise<Lease | undefined> {
    const found = await read(this.#path);
    if (!found?.lease) return undefined;
    // Who may only read the store has his own clock; `SKEW_MS` allows for it.
    const now = await timeThere(this.#root).catch(() => Date.now());
    return now - found.mtimeMs > SKEW_MS ? undefined : found.lease;
  }

  /**
   * Takes the lease, or renews it.
   *
   * @throws StoreError METALAB_STORE_HELD naming the holder, where another engine has it; what writing throws
   */
  async take(holder: LeaseHolder, { takeOver = false, wait = false }: TakeOptions = {}): Promise<void> {
    const path = this.#path;
    try {
      for (;;) {
        const found = await read(path);
        if (!found) {
          if (await writeOnce(path, textOf(holder))) return;
        } else if (found.lease && isSameEngine(found.lease, holder)) {
          if (holder.worker === null && isRenewedByWorker(found)) return;
          await renew(path, holder);
          return;
        } else {
          const expired = takeOver || (await this.#isExpired(found));
          if (expired === true) {
            if (await replace(path, found, holder)) return;
          } else if (expired === 'unsure' && wait) await sleep(LOOK_EVERY_MS);
          else throw held(this.#root, found);
        }
      }
    } catch (error) {
      throw storeFault(error, path);
    }
  }

  /** Gives it back, where this worker, or a client of its engine, was the last to renew it. */
  async release(holder: LeaseHolder): Promise<void> {
    for (;;) {
      const found = await read(this.#path);
      const { lease } = found ?? {};
      if (!found || !lease || !isSameEngine(lease, holder)) return;
      // Another worker of this engine may have submissions in hand: then it was, or soon will be, the last to renew.
      if (lease.worker !== holder.worker && lease.worker !== null) return;
      if (await replace(this.#path, found, undefined)) return;
    }
  }

  /**
   * Does what nobody may write to the store meanwhile.
   *
   * @param command what has the store, for whoever is refused meanwhile
   * @throws StoreError METALAB_STORE_HELD where an engine uses the store
   */
  async during<T>(command: string, work: () => Promise<T>): Promise<T> {
    const id = randomUUID();
    const holder = { engine: id, address: command, namespace: '', host: hostname(), worker: id };
    await this.take(holder, { wait: true });
    let renewal: Promise<void> | undefined;
    const timer = setInterval(() => {
      renewal = this.take(holder).catch(() => {});
    }, LEASE_RENEWED_MS).unref();
    try {
      return await work();
    } finally {
      clearInterval(timer);
      // It would take the lease again after the release.
      await renewal;
      await this.release(holder);
    }
  }

  async #isExpired(found: Found): Promise<boolean | 'unsure'> {
    if (this.#watched?.text !== found.text) this.#watched = { text: found.text, since: performance.now() };
    const age = (await timeThere(this.#root)) - found.mtimeMs;
    if (age > SKEW_MS) return true;
    if (Math.abs(age) <= LEASE_EXPIRES_MS) return false;
    return performance.now() - this.#watched.since >= WATCH_MS || 'unsure';
  }
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
const renew = (path: string, holder: LeaseHolder): Promise<void> => writeUnsynced(path, textOf(holder));

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
