import type { Objective } from '../definition/objective.js';
import type { ChunkReport, ChunkRequest, SlotSetup } from '../runner/protocol.js';

/** A range of a submission's plan, to be executed. */
export interface RangeRequest {
  readonly setup: Omit<SlotSetup, 'provenance' | 'scratch'>;
  readonly order: Pick<ChunkRequest, 'from' | 'to' | 'budget_ms'> &
    Partial<Pick<ChunkRequest, 'lost' | 'most_failures'>>;
  /** Per run; null: no limit. */
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** Each run has a slot of its own, started for it. */
  readonly isolate?: boolean;
  /**
   * A run that its slot's memory does not suffice for is not recorded: the range is rejected with code `MEMORY`, the run in
   * the fault's `cut`. For places that can give it more.
   */
  readonly spare_memory?: boolean;
  /** What is optimised: reports tell the best run. */
  readonly objective?: Objective | undefined;
  /** The runs' working directory. */
  readonly cwd: string;
  /** The environment that runs see, complete. */
  readonly env: { readonly [name: string]: string };
}

/** Counts so far of a range in progress, and its run if that has been going for over a second. */
export interface RangeProgress {
  readonly report: Omit<ChunkReport, 'next' | 'busy_ms'>;
  readonly running: {
    readonly position: number;
    readonly attempt: number;
    readonly started_at: string;
    readonly progress: number | null;
  } | null;
  /** The most memory that its slot was seen to have, bytes. */
  readonly peak_rss_bytes: number;
}

/** What a slot begins with. */
export interface FirstRun {
  readonly position: number;
  readonly attempt: number;
}

/**
 * Where chunks run. Executes a range, with one record for every position before the returned `next`; a failing run never
 * rejects. Rejects with {@link ExecutionFault} when the place itself failed.
 */
export interface Executor {
  execute(
    range: RangeRequest,
    options: {
      readonly onProgress: (progress: RangeProgress) => void;
      /** A slot is about to begin: its first run waits for it. Must not reject. */
      readonly onBegin?: (run: FirstRun) => Promise<void>;
      /** `yield`: start no further run. `cancel`: abort the run in progress too. */
      readonly signal: { onStop(listener: (how: 'yield' | 'cancel') => void): () => void };
    },
  ): Promise<ChunkReport>;
  /** A submission has ended: its warm slots are no longer needed. */
  release(submission: string): Promise<void>;
  /** Ends every slot. Ranges in progress reject with code `CLOSED`: no run counts as failed by it. */
  close(): Promise<void>;
}
