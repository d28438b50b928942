import type { SubmissionRef } from '../../contract/activities.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { LEASE_RENEWED_MS } from '../../storage/lease.js';
import type { StoreLeases } from './store-leases.js';

/**
 * After this time without an activity, this worker keeps nothing for a submission: it is paused, its workflow was
 * terminated, or its activities go to other workers.
 */
const UNUSED_AFTER_MS = 2 * 60_000;

type Submission = Pick<SubmissionRef, 'experiment_id' | 'submission'>;

/**
 * Frees what the worker keeps for a submission: slots, live files, announcements. The next activity acquires it again.
 */
export type ReleaseSubmission = (store: FileStore, submission: Submission) => Promise<void>;

/**
 * What this worker keeps for submissions, from the first activity of each until it has an outcome, whichever worker
 * wrote that, or until it had no activity for two minutes. A store's lease is held while one of its submissions is
 * kept.
 */
export class SubmissionScopes {
  readonly #leases: StoreLeases;
  readonly #release: ReleaseSubmission;
  readonly #scopes = new Map<string, Scope>();
  #timer: NodeJS.Timeout | undefined;

  constructor(leases: StoreLeases, release: ReleaseSubmission) {
    this.#leases = leases;
    this.#release = release;
  }

  /**
   * Runs an activity's work while this engine holds its store.
   *
   * @throws StoreError METALAB_STORE_HELD if another engine has the store; what `work` throws
   */
  async during<T>(store: FileStore, submission: Submission, work: () => Promise<T>): Promise<T> {
    const scope = this.#enter(store, submission);
    try {
      await this.#leases.hold(store);
      scope.held = true;
      return await work();
    } finally {
      scope.activities--;
      scope.usedAt = performance.now();
      if (!scope.held && scope.activities === 0) this.#forget(scope);
    }
  }

  /**
   * Called when the submission is about to get its outcome. After the last submission of a store, the store's lease is
   * given back.
   *
   * @param tidy removes files of the submission, once this worker no longer writes to them
   */
  async settle(store: FileStore, submission: Submission, tidy: () => Promise<void>): Promise<void> {
    this.#scopes.delete(keyOf(store, submission));
    await this.#release(store, submission);
    await tidy();
    await this.#giveBack(store);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #enter(store: FileStore, submission: Submission): Scope {
    const key = keyOf(store, submission);
    const scope = this.#scopes.get(key) ?? {
      key,
      store,
      submission,
      activities: 0,
      usedAt: 0,
      held: false,
    };
    this.#scopes.set(key, scope);
    scope.activities++;
    this.#timer ??= setInterval(() => void this.#releaseUnused(), LEASE_RENEWED_MS).unref();
    return scope;
  }

  async #releaseUnused(): Promise<void> {
    for (const scope of this.#scopes.values()) {
      const { store, submission, usedAt } = scope;
      if (scope.activities > 0) continue;
      const isOld = performance.now() - usedAt > UNUSED_AFTER_MS;
      // If the store does not answer now, the next check finds out.
      const isOver = isOld || (await hasOutcome(store, submission).catch(() => false));
      if (!isOver || scope.activities > 0 || !this.#isKept(scope)) continue;
      this.#forget(scope);
      await this.#release(store, submission).catch(() => {});
      await this.#giveBack(store).catch(() => {});
    }
  }

  /** Not if it was settled meanwhile: then an activity may have opened another for the same submission. */
  #isKept(scope: Scope): boolean {
    return this.#scopes.get(scope.key) === scope;
  }

  #forget(scope: Scope): void {
    if (this.#isKept(scope)) this.#scopes.delete(scope.key);
  }

  #giveBack(store: FileStore): Promise<void> {
    const isUnused = () => [...this.#scopes.values()].every((scope) => scope.store.root !== store.root);
    return this.#leases.giveBack(store, isUnused);
  }
}

interface Scope {
  readonly key: string;
  readonly store: FileStore;
  readonly submission: Submission;
  activities: number;
  /** When its last activity ended, by the monotonic clock. */
  usedAt: number;
  /** Whether one of its activities had the store's lease. */
  held: boolean;
}

const hasOutcome = async (store: FileStore, { experiment_id, submission }: Submission): Promise<boolean> =>
  (await store.readOutcome(experiment_id, submission)) !== undefined;

const keyOf = (store: FileStore, { experiment_id, submission }: Submission) =>
  `${store.root}\0${experiment_id}\0${submission}`;
