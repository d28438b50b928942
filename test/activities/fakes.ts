import type { ActivityDependencies } from '../../src/activities/dependencies.js';
import { LiveBoard } from '../../src/activities/execute/live-board.js';
import type { WorkflowView } from '../../src/activities/ports.js';
import { trustServer } from '../../src/activities/submission/signed.js';
import { SlotAnnouncements } from '../../src/activities/submission/slot-announcements.js';
import { StoreLeases } from '../../src/activities/submission/store-leases.js';
import { SubmissionScopes } from '../../src/activities/submission/submission-scopes.js';
import type { ChunkNotice, SubmissionStatus, WorkerNotice } from '../../src/contract/workflow.js';
import type { BatchExecutor } from '../../src/execution/batch-executor.js';
import type { Executor } from '../../src/execution/executor.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import type { LeaseHolder } from '../../src/storage/lease.js';

export const WORKER = 'laptop-1';

export const HOLDER: LeaseHolder = {
  engine: 'engine',
  address: '127.0.0.1:7233',
  namespace: 'default',
  host: 'laptop',
  worker: WORKER,
};
export const OTHER_ENGINE: LeaseHolder = {
  ...HOLDER,
  engine: 'another',
  host: 'desktop',
  worker: 'desktop-1',
};

/** A workflow that answers as it is told, and notes what it receives. */
export class FakeWorkflow implements WorkflowView {
  status: SubmissionStatus | null | undefined = null;
  /** Whether signals arrive. */
  isReachable = true;
  /** Whether somebody terminated it. */
  isEnded = false;
  readonly announced: WorkerNotice[] = [];
  readonly told: ChunkNotice[] = [];

  async current() {
    return this.status;
  }

  async announce(_: string, notice: WorkerNotice) {
    this.announced.push(notice);
    return this.isReachable;
  }

  async tell(_: string, notice: ChunkNotice) {
    this.told.push(notice);
    return this.isReachable;
  }

  async wasEnded() {
    return this.isEnded;
  }
}

/** A worker as activities see it: only its executors and its workflows are fakes. */
export class FakeWorker {
  readonly workflow = new FakeWorkflow();
  readonly live = new LiveBoard(WORKER);
  readonly leases = new StoreLeases(HOLDER);
  readonly offers: SlotAnnouncements;
  readonly scopes: SubmissionScopes;
  readonly dependencies: ActivityDependencies;
  /** Submissions that were released, in order. */
  readonly released: string[] = [];
  /** What each submission was provided with. */
  readonly provided: (readonly [submission: string, slots: number | null])[] = [];
  /** Folders that the compactor was asked to compact. */
  readonly compacted: string[] = [];
  slots = 2;
  execute: Executor['execute'] = () => Promise.reject(new Error('no slot is expected'));
  /** Undefined: the environment has no batches. */
  batches: Partial<BatchExecutor> | undefined;
  readonly #stopping = new Set<() => void>();

  constructor(store: FileStore, overrides: Partial<ActivityDependencies> = {}) {
    const { live, leases, workflow: workflows, released } = this;
    const worker = {
      id: WORKER,
      slots: () => this.slots,
      provide: (submission: string, slots: number | null) => {
        this.provided.push([submission, slots]);
      },
    };
    this.offers = new SlotAnnouncements(worker, workflows);
    this.scopes = new SubmissionScopes(leases, async (of, { experiment_id, submission }) => {
      released.push(submission);
      this.offers.release(submission);
      await live.clear(of.experimentFolder(experiment_id), submission);
    });
    const executor: Executor = {
      execute: (range, options) => this.execute(range, options),
      release: async () => {},
      close: async () => {},
    };
    this.dependencies = {
      signatures: trustServer,
      executors: {
        slots: async () => executor,
        batches: async () => this.batches as BatchExecutor | undefined,
      },
      openStore: async () => store,
      refuseStrangers: () => {},
      worker,
      live,
      workflows,
      leases,
      scopes: this.scopes,
      offers: this.offers,
      indexer: { watch: () => {} },
      compactor: {
        prepare: () => {},
        compact: async (folder) => void this.compacted.push(folder),
      },
      onStopping: (listener) => {
        this.#stopping.add(listener);
        return () => this.#stopping.delete(listener);
      },
      ...overrides,
    };
  }

  /** How many activities would still hear that the worker ends: those in progress. */
  get listeners(): number {
    return this.#stopping.size;
  }

  /** The worker is about to end. */
  stop(): void {
    for (const listener of this.#stopping) listener();
  }

  close(): void {
    this.scopes.close();
  }
}

/** The status of a submission in progress. */
export const statusOf = (
  submission: string,
  overrides: Partial<SubmissionStatus> = {},
): SubmissionStatus => ({
  submission,
  phase: 'running',
  reason: null,
  total: 10,
  reused: 0,
  success: 0,
  failed: 0,
  cancelled: 0,
  running: 1,
  chunks: [],
  means: {},
  ...overrides,
});
