import type { Objective } from '../definition/objective.js';
import type { ChunkReport, ChunkRequest, SlotSetup } from '../runner/protocol/protocol.js';

/** A range of a submission's plan, to be executed. */
export interface RangeRequest {
  readonly setup: Omit<SlotSetup, 'provenance' | 'scratch'>;
  readonly order: Pick<ChunkRequest, 'from' | 'to' | 'budget_ms'> &
    Partial<Pick<ChunkRequest, 'most_failures'>>;
  /** Per run; null: no limit. */
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** Each run gets a new slot of its own. */
  readonly isolate?: boolean;
  /**
   * A run that needs more memory than its slot has is not recorded. Instead the range is rejected with code `MEMORY`,
   * with the run in the fault's `cut`. For executors that can provide more memory.
   */
  readonly spare_memory?: boolean;
  /** How often `memory_bytes` was increased before. The error of a run that exceeds it says so. */
  readonly memory_escalations?: number;
  /** What is optimised: reports contain the best run. */
  readonly objective?: Objective | undefined;
  /** The runs' working directory. */
  readonly cwd: string;
  /** The complete environment of the runs. */
  readonly env: { readonly [name: string]: string };
}

/** Counts so far of a range in progress, and its current run if that has taken over a second. */
export interface RangeProgress {
  readonly report: Omit<ChunkReport, 'next' | 'busy_ms'>;
  readonly running: {
    readonly position: number;
    readonly attempt: number;
    readonly started_at: string;
    readonly progress: number | null;
  } | null;
  /** The highest memory use seen in its slot, bytes. */
  readonly peak_rss_bytes: number;
}

/**
 * Executes chunks. For each range it writes one record for every position before the returned `next`; a failing run
 * never rejects. Rejects with {@link ExecutionFault} if the executor itself failed.
 */
export interface Executor {
  execute(
    range: RangeRequest,
    options: {
      readonly onProgress: (progress: RangeProgress) => void;
      /** Called when a slot is about to begin. */
      readonly onBegin?: () => void;
      /** `yield`: start no further run. `cancel`: abort the run in progress too. */
      readonly signal: { onStop(listener: (how: 'yield' | 'cancel') => void): () => void };
    },
  ): Promise<ChunkReport>;
  /** Called when a submission has ended: its warm slots are no longer needed. */
  release(submission: string): Promise<void>;
  /** Ends every slot. Ranges in progress reject with code `CLOSED`; no run counts as failed because of it. */
  close(): Promise<void>;
}
