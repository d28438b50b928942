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

/** How often a holder renews. */
export const LEASE_RENEWED_MS = 15_000;
/** Three renewals may fail, as on a filesystem that hangs for a while. */
export const LEASE_EXPIRES_MS = 60_000;

/** An engine in one word, for what it has in a store. */
export const engineKey = ({ engine, address, namespace }: LeaseHolder): string =>
  engine ?? `${address}/${namespace}`;

export const isSameEngine = (a: LeaseHolder, b: LeaseHolder): boolean =>
  a.engine !== null && b.engine !== null
    ? a.engine === b.engine
    : a.address === b.address && a.namespace === b.namespace;
