import { StoreError } from '../definition/errors.js';
import {
  engineKey,
  hasLeasing,
  isSameEngine,
  LEASE_RENEWED_MS,
  type LeaseHolder,
  type Leasing,
} from '../storage/lease.js';
import type { SweepStore } from '../storage/sweep-store.js';
import type { SubmissionRef } from './contract.js';

/**
 * A submission that no activity has come for in so long is no longer in hand: it is paused, its workflow was terminated,
 * or its activities go to other workers.
 */
const IN_HAND_MS = 2 * 60_000;

type Submission = Pick<SubmissionRef, 'experiment_id' | 'submission'>;

/** The leases of the stores that this worker has submissions of in hand: taken, renewed, lost, and given back. */
export class StoreLeases {
  readonly #holder: LeaseHolder;
  readonly #held = new Map<string, HeldLease>();

  constructor(holder: LeaseHolder) {
    this.#holder = holder;
  }

  /**
   * Does what writes to a store: its submission is in hand from then on, and the lease is renewed in between too.
   *
   * @throws StoreError METALAB_STORE_HELD where another engine has the store; what `work` throws
   */
  async during<T>(store: SweepStore, submission: Submission, work: () => Promise<T>): Promise<T> {
    if (!hasLeasing(store)) return work();
    const held = this.#held.get(store.root) ?? new HeldLease(store, this.#holder);
    this.#held.set(store.root, held);
    const end = await held.begin(submission);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** The engine that this worker is of: see `engineKey`. */
  get engine(): string {
    return engineKey(this.#holder);
  }

  /** Why a store is another engine's by now; undefined while it is this one's. */
  whyLost(store: SweepStore): string | undefined {
    return this.#held.get(store.root)?.lost;
  }

  /** Calls back when a store that is in hand turns out to be another engine's. @returns what ends that */
  onLost(store: SweepStore, listener: () => void): () => void {
    const listeners = this.#held.get(store.root)?.listeners;
    listeners?.add(listener);
    return () => listeners?.delete(listener);
  }

  /** Takes a lease that another engine had, if it can be taken now. Throws as {@link during}. */
  async retake(store: SweepStore): Promise<void> {
    if (hasLeasing(store)) await store.takeLease(this.#holder);
  }

  /** A submission has its outcome. After the last one the store is free. */
  async settled(store: SweepStore, submission: Submission): Promise<void> {
    await this.#held.get(store.root)?.drop(submission);
  }

  /** The worker ends: what it had in hand is nobody's, or other workers'. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => held.release().catch(() => {})));
  }
}

class HeldLease {
  /** Called when the lease turns out to be lost. */
  readonly listeners = new Set<() => void>();
  lost: string | undefined;
  readonly #store: SweepStore & Leasing;
  readonly #holder: LeaseHolder;
  readonly #inHand = new Map<
    string,
    { readonly submission: Submission; activities: number; seenAt: number }
  >();
  #renewedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: SweepStore & Leasing, holder: LeaseHolder) {
    this.#store = store;
    this.#holder = holder;
  }

  /** @returns what the activity calls when it has ended: the lease stays, since others will follow */
  async begin(submission: Submission): Promise<() => void> {
    await this.#verify();
    const key = keyOf(submission);
    const entry = this.#inHand.get(key) ?? { submission, activities: 0, seenAt: 0 };
    this.#inHand.set(key, entry);
    entry.activities++;
    this.#timer ??= setInterval(() => void this.#tick(), LEASE_RENEWED_MS).unref();
    return () => {
      entry.activities--;
      entry.seenAt = performance.now();
    };
  }

  async drop(submission: Submission): Promise<void> {
    this.#inHand.delete(keyOf(submission));
    if (this.#inHand.size === 0) await this.release();
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#inHand.clear();
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    await this.#store.releaseLease(this.#holder);
  }

  /** Another may have it by now, above all after this machine slept: one small read an activity. */
  async #verify(): Promise<void> {
    const recent = this.lost === undefined && performance.now() - this.#renewedAt < LEASE_RENEWED_MS;
    const lease = recent ? await this.#store.readLease() : undefined;
    if (!lease || !isSameEngine(lease, this.#holder)) await this.#renew();
  }

  async #renew(): Promise<void> {
    try {
      await this.#store.takeLease(this.#holder);
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
      await this.#forgetEnded();
      if (this.#inHand.size === 0) await this.release();
      else await this.#renew();
    } catch {
      // It is another's, which the listeners know; or can't be written now, which the next activity finds out.
    }
  }

  async #forgetEnded(): Promise<void> {
    for (const [key, { submission, activities, seenAt }] of this.#inHand) {
      if (activities > 0) continue;
      // Another worker may have settled it.
      const ended = await this.#store.readOutcome(submission.experiment_id, submission.submission);
      if (ended || performance.now() - seenAt > IN_HAND_MS) this.#inHand.delete(key);
    }
  }
}

const keyOf = ({ experiment_id, submission }: Submission) => `${experiment_id}/${submission}`;
