import type { Store } from './store.js';

/** Who uses a store: one engine, that is one Temporal server and namespace, with all of its clients and workers. */
export interface LeaseHolder {
  /**
   * The namespace's id in its server's database; null where it may not be asked. Not the address: the engines of two
   * laptops are both at 127.0.0.1, and one server may be known by several names.
   */
  readonly engine: string | null;
  readonly address: string;
  /** Empty: no engine, but a command that mends the store. Its `engine` is a random id, its `address` says what it is. */
  readonly namespace: string;
  readonly host: string;
  /** Which worker of the engine renews it; null: a client took it, for a submission that workers are about to begin. */
  readonly worker: string | null;
}

/** The lease as it stands in the store. */
export interface Lease extends LeaseHolder {
  /** ISO 8601, by the holder's clock: for people. Whether it has expired is not told by it. */
  readonly renewed_at: string;
}

export interface TakeOptions {
  /** Take it whoever has it. */
  readonly takeOver?: boolean;
  /** Watch what seems expired until that is sure, at most 20 s. Without it: refused, and sure at a later call. */
  readonly wait?: boolean;
}

/** A store that two engines can't use at once without noticing. Reading a store needs no lease. */
export interface Leasing {
  readLease(): Promise<Lease | undefined>;
  /** The lease, unless it has surely expired: a single look is sure 10 min after the last renewal, or where there is none. */
  readLiveLease(): Promise<Lease | undefined>;
  /**
   * Takes the lease, or renews it.
   *
   * @throws StoreError METALAB_STORE_HELD naming the holder, where another engine has it; what writing throws
   */
  takeLease(holder: LeaseHolder, options?: TakeOptions): Promise<void>;
  /** Gives it back, where this worker, or a client of its engine, was the last to renew it. */
  releaseLease(holder: LeaseHolder): Promise<void>;
}

/** How often a holder renews. */
export const LEASE_RENEWED_MS = 15_000;
/** Three renewals may fail, as on a filesystem that hangs for a while. */
export const LEASE_EXPIRES_MS = 60_000;

export const hasLeasing = (store: Store): store is Store & Leasing => 'takeLease' in store;

/** An engine in one word, for what it has in a store. */
export const engineKey = ({ engine, address, namespace }: LeaseHolder): string =>
  engine ?? `${address}/${namespace}`;

export const isSameEngine = (a: LeaseHolder, b: LeaseHolder): boolean =>
  a.engine !== null && b.engine !== null
    ? a.engine === b.engine
    : a.address === b.address && a.namespace === b.namespace;
