import type { HashedFile } from '../../definition/declaration.js';
import type { ErrorDescription } from '../../definition/errors.js';
import type { RunTotals } from '../../definition/run-totals.js';

/** The submission that a slot works for. It imports that submission's bundle and nothing else. */
export interface SlotSetup {
  /** The experiment's folder in the store. */
  readonly folder: string;
  readonly submission: string;
  /** SHA-256 of the declaration under `declarations/`. */
  readonly declaration: string;
  /** The records' provenance in addition to host and versions: the executor, and what it knows of the place. */
  readonly provenance: { readonly [key: string]: string | number };
  /** Where runs' scratch folders are created. The parent removes it, however the slot ends. */
  readonly scratch: string;
  /** Where the context's files and folders are, by their path in the declaration; the others are at that path. */
  readonly files?: { readonly [path: string]: string };
  /** The context's files, if their content was compared already: they are read again only if they change. */
  readonly found?: readonly HashedFile[];
  /** Prefix of the names of its segments, before host, process and start time. */
  readonly writer_prefix?: string;
  /** For a task on a cluster: records contain its elapsed time and the slot's peak memory. */
  readonly task?: SlotTask;
  /** The umask of files that its runs write: the submitter's. Default: this process's. */
  readonly umask?: number;
}

/** The task that a slot belongs to. */
export interface SlotTask {
  /** When it began, on the system's monotonic clock, milliseconds. */
  readonly started_monotonic: number;
}

/** A run whose slot died, or was ended for its time or memory: the next slot records it. */
export interface LostRun {
  readonly position: number;
  /** The attempt that was lost. */
  readonly attempt: number;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly error: ErrorDescription;
  /** What the operation's native code and child processes printed last. */
  readonly output: string;
  /** Whether it was being cancelled when its slot was ended: it is recorded as cancelled, and not tried again. */
  readonly cancelled?: boolean;
  /** The memory use for which its slot was ended. */
  readonly max_rss_bytes?: number;
}

/** A range of plan positions, from ≤ position < to. */
export interface ChunkRequest {
  readonly from: number;
  readonly to: number;
  /** After this time, the slot starts no further run and reports where it stopped. Milliseconds. */
  readonly budget_ms: number;
  /**
   * When that time begins, on the system's monotonic clock, so that the parent knows it exactly. Default: when the slot
   * begins.
   */
  readonly budget_since?: number;
  readonly lost: readonly LostRun[];
  /** After this number of failures in it, the slot starts no further run and reports where it stopped. */
  readonly most_failures?: number;
}

/** The result of a chunk. Counts are of records that are on disk, fsynced. */
export interface ChunkReport extends RunTotals {
  /** The first position that was not executed: `to` if the chunk is done. */
  readonly next: number;
}

/** How long a run has to settle after `cancel`. A slot that can't end it by then ends itself; the parent waits 2 s longer. */
export const CANCEL_GRACE_MS = 5_000;

export type ToSlot =
  | { readonly type: 'setup'; readonly setup: SlotSetup }
  | { readonly type: 'chunk'; readonly order: ChunkRequest }
  /** Start no further run, and report the chunk. */
  | { readonly type: 'yield' }
  /** As `yield`, and abort the run in progress: its record is `cancelled`. */
  | { readonly type: 'cancel' }
  | { readonly type: 'end' };

/**
 * `segment_bytes` is the length of the slot's segment of records at the time of the message's counts. If the slot dies,
 * the parent reads the segment from there.
 */
export type FromSlot =
  | { readonly type: 'ready'; readonly writer: string }
  | { readonly type: 'report'; readonly report: ChunkReport; readonly segment_bytes: number }
  /** The counts so far, at most a few times a second while a chunk runs. */
  | { readonly type: 'progress'; readonly report: Omit<ChunkReport, 'next'>; readonly segment_bytes: number }
  /**
   * An error that no run caused: the store could not be written, or the bundle could not be imported. The slot ends
   * after it.
   */
  | {
      readonly type: 'fault';
      readonly code: string;
      readonly error: ErrorDescription;
      readonly report: ChunkReport;
    };
