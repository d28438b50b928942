import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { BatchExecutor } from '../execution/batch-executor.js';
import type { Executor } from '../execution/executor.js';
import type { FileStore } from '../storage/file/file-store.js';
import type { UsedFiles } from '../storage/file/refuse-strangers.js';
import type { LiveBoard } from './execute/live-board.js';
import type { WorkerIdentity, WorkflowView } from './ports.js';
import type { Signatures } from './submission/signed.js';
import type { SlotAnnouncements } from './submission/slot-announcements.js';
import type { StoreLeases } from './submission/store-leases.js';
import type { SubmissionScopes } from './submission/submission-scopes.js';

/**
 * What activities need from the worker that runs them: ports only, so that tests and other workers can pass their own.
 */
export interface ActivityDependencies {
  readonly signatures: Signatures;
  readonly executors: Executors;
  /** Opens a store. Later calls return the same object, unless another store is at its place by then. */
  openStore(uri: string): Promise<FileStore>;
  /**
   * Refuses a store that other users can change, before any of its content is executed.
   *
   * @throws StoreError METALAB_STORE_UNSAFE
   */
  refuseStrangers(store: FileStore, used?: UsedFiles): void;
  readonly worker: WorkerIdentity;
  readonly live: LiveBoard;
  readonly workflows: WorkflowView;
  readonly leases: StoreLeases;
  /** What this worker keeps for submissions, and frees when they end. */
  readonly scopes: SubmissionScopes;
  readonly offers: SlotAnnouncements;
  /** Compacts an experiment's records in the background, if that is worth it. */
  readonly compactor: { prepare(runs: number): void; compact(folder: string): Promise<void> };
  /** Keeps the store's index up to date in the background, if it has one. */
  readonly indexer: { watch(store: FileStore, experimentId: string): void };
  /** Calls back when the worker is about to end: chunks hand back what they have not started. */
  onStopping(listener: () => void): () => void;
}

/** Selects where submissions' runs are executed, according to their manifests. */
export interface Executors {
  /** The executor for an environment whose runs use this worker's slots; undefined: this machine. */
  slots(environment: ResolvedEnvironment | undefined): Promise<Executor>;
  /** The executor for an environment that executes batches by itself; returns undefined for other environments. */
  batches(environment: ResolvedEnvironment | undefined): Promise<BatchExecutor | undefined>;
}
