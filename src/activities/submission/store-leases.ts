import { StoreError } from '../../definition/errors.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { engineKey, isSameEngine, LEASE_RENEWED_MS, type LeaseHolder } from '../../storage/lease.js';

/** The leases of the stores that this worker writes to: taken, renewed, lost, and given back. */
export class StoreLeases {
  readonly #holder: LeaseHolder;
  readonly #held = new Map<string, HeldLease>();

  constructor(holder: LeaseHolder) {
    this.#holder = holder;
  }

  /** The engine that this worker belongs to: see `engineKey`. */
  get engine(): string {
    return engineKey(this.#holder);
  }

  /**
   * Takes the store's lease, or makes sure that this engine still has it, and renews it from then on.
   *
   * @throws StoreError METALAB_STORE_HELD if another engine has the store; what writing the lease throws
   */
  async hold(store: FileStore): Promise<void> {
    const held = this.#held.get(store.root) ?? new HeldLease(store, this.#holder);
    this.#held.set(store.root, held);
    await held.hold();
  }

  /** @param isUnused called once no other work here can take the lease: whether it may still be given back */
  async giveBack(store: FileStore, isUnused: () => boolean): Promise<void> {
    await this.#held.get(store.root)?.giveBack(isUnused);
  }

  /** Why a store belongs to another engine by now; undefined if it is this engine's. */
  whyLost(store: FileStore): string | undefined {
    return this.#held.get(store.root)?.lost;
  }

  /**
   * Calls back when a held store turns out to belong to another engine. @returns a function that removes the listener
   */
  onLost(store: FileStore, listener: () => void): () => void {
    const listeners = this.#held.get(store.root)?.listeners;
    listeners?.add(listener);
    return () => listeners?.delete(listener);
  }

  /** Takes a lease that another engine had, if it can be taken now. Throws as {@link hold}. */
  async retake(store: FileStore): Promise<void> {
    await store.lease.take(this.#holder);
  }

  /** Called when the worker ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => held.giveBack(() => true).catch(() => {})));
  }
}

class HeldLease {
  /** Called when the lease turns out to be lost. */
  readonly listeners = new Set<() => void>();
  lost: string | undefined;
  readonly #store: FileStore;
  readonly #holder: LeaseHolder;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: FileStore, holder: LeaseHolder) {
    this.#store = store;
    this.#holder = holder;
  }

  hold(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#verify();
      this.#timer ??= setInterval(() => void this.#tick(), LEASE_RENEWED_MS).unref();
    });
  }

  giveBack(isUnused: () => boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (!isUnused()) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#renewedAt = Number.NEGATIVE_INFINITY;
      await this.#store.lease.release(this.#holder);
    });
  }

  /** One at a time: a lease that is taken while it is given back would be gone although it seemed to be held. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Another engine may have it by now, above all after this machine slept. Costs one small read per activity. */
  async #verify(): Promise<void> {
    const recent = this.lost === undefined && performance.now() - this.#renewedAt < LEASE_RENEWED_MS;
    const lease = recent ? await this.#store.lease.read() : undefined;
    if (!lease || !isSameEngine(lease, this.#holder)) await this.#renew();
  }

  async #renew(): Promise<void> {
    try {
      await this.#store.lease.take(this.#holder);
      this.#renewedAt = performance.now();
      this.lost = undefined;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'METALAB_STORE_HELD') throw error;
      this.lost = error.message.split('\n', 1)[0]!;
      for (const listener of this.listeners) listener();
      throw error;
    }
  }

  async #tick(): Promise<void> {
    try {
      // Between the tick and its turn the lease may have been given back.
      await this.#inTurn(async () => {
        if (this.#timer) await this.#renew();
      });
    } catch {
      // Another engine has it, which the listeners know; or it can't be written now, which the next activity finds out.
    }
  }
}
