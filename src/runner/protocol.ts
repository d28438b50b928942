import type { HashedFile } from '../definition/declaration.js';
import type { ErrorDescription } from '../definition/errors.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';

/** What a slot works for: one submission. It imports that submission's bundle and nothing else. */
export interface SlotSetup {
  /** The experiment's folder in the store. */
  readonly folder: string;
  readonly submission: string;
  /** SHA-256 of the declaration under `declarations/`. */
  readonly declaration: string;
  /** What the records' provenance says beside host and versions: executor, and what the executor knows of the place. */
  readonly provenance: { readonly [key: string]: string | number };
  /** Where runs' scratch folders are created. The parent removes it, however the slot ends. */
  readonly scratch: string;
  /** Where the context's files and folders are, by their path in the declaration; others are where it says. */
  readonly files?: { readonly [path: string]: string };
  /** The context's files as somebody found them after comparing their content: they are not read again unless they change. */
  readonly found?: readonly HashedFile[];
  /** In the names of its segments, before host, process and start. */
  readonly writer_prefix?: string;
  /** Of a task on a cluster: records say how long it had been going and how much memory the slot had taken. */
  readonly task?: SlotTask;
  /** What files of its runs leave out of their permission bits: the submitter's. Default: this machine's. */
  readonly umask?: number;
}

/** The task that a slot belongs to, where all that has happened to it is that the task is ended. */
export interface SlotTask {
  /** When it began, on the system's monotonic clock, milliseconds. */
  readonly started_monotonic: number;
}

/** A run whose slot died under it, or was ended for its time or memory: the next slot records it. */
export interface LostRun {
  readonly position: number;
  /** The attempt that was lost. */
  readonly attempt: number;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly error: ErrorDescription;
  /** What the operation's native code and child processes printed to their last breath. */
  readonly output: string;
  /** It was being cancelled when its slot was ended: recorded as such, not tried again. */
  readonly cancelled?: boolean;
  /** The memory that its slot was ended for. */
  readonly max_rss_bytes?: number;
}

/** A range of plan positions, from ≤ position < to. */
export interface ChunkRequest {
  readonly from: number;
  readonly to: number;
  /** Past it, the slot starts no further run and reports where it stopped. Milliseconds. */
  readonly budget_ms: number;
  /** Since when that counts, on the system's monotonic clock, so that the parent knows for sure. Default: when the slot begins. */
  readonly budget_since?: number;
  readonly lost: readonly LostRun[];
  /** After this number of failures in it, the slot starts no further run and reports where it stopped. */
  readonly most_failures?: number;
}

/** The result of a chunk. Counts are of records that are on disk, fsynced. */
export interface ChunkReport {
  /** The first position that was not executed: `to` where the chunk is done. */
  readonly next: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Time spent in runs, milliseconds: for sizing the next chunks and for utilisation. */
  readonly busy_ms: number;
  readonly means: RunningMeans;
  readonly digest?: RunDigest;
}

/** How long a run has to settle after `cancel`. A slot that can't end it by then ends itself; the parent waits 2 s longer. */
export const CANCEL_GRACE_MS = 5_000;

export type ToSlot =
  | { readonly type: 'setup'; readonly setup: SlotSetup }
  | { readonly type: 'chunk'; readonly order: ChunkRequest }
  /** Start no further run; report the chunk where it stands. */
  | { readonly type: 'yield' }
  /** Abort the run in progress: its record is `cancelled`; then as `yield`. */
  | { readonly type: 'cancel' }
  | { readonly type: 'end' };

/**
 * `segment_bytes` is how long the slot's segment of records was when the message's counts were true: where the parent
 * begins to read, to learn what the slot did between its last message and its death.
 */
export type FromSlot =
  | { readonly type: 'ready'; readonly writer: string }
  | { readonly type: 'report'; readonly report: ChunkReport; readonly segment_bytes: number }
  /** At most a few times a second, while a chunk runs: the same counts as the report will have, so far. */
  | { readonly type: 'progress'; readonly report: Omit<ChunkReport, 'next'>; readonly segment_bytes: number }
  /** Not a run's fault: the store could not be written, the bundle not imported. The slot ends after it. */
  | {
      readonly type: 'fault';
      readonly code: string;
      readonly error: ErrorDescription;
      readonly report: ChunkReport;
    };
