import type { BatchProgress } from '../../execution/batch-executor.js';
import type { RangeProgress } from '../../execution/executor.js';
import { writeLiveFile } from '../../storage/file/formats/live-files.js';
import { liveFolder } from '../../storage/file/layout.js';
import type { LiveBatch, LiveChunk } from '../../storage/manifest.js';

const EVERY_MS = 250;
/** How long the counts of an ended chunk are still shown. */
const LINGER_MS = 1_000;

/** A chunk's heartbeat details. */
export interface ChunkSummary {
  readonly worker: string;
  readonly success?: number;
  readonly failed?: number;
  readonly running: LiveChunk['running'] | undefined;
}

/** A batch's heartbeat details. */
export interface BatchSummary extends Omit<LiveBatch, 'runs'> {
  readonly worker: string;
  readonly success: number;
  readonly failed: number;
}

/** One chunk, or one batch, in progress. */
export interface LiveEntry<Progress, Summary> {
  show(progress: Progress): void;
  /** For the heartbeat's details in the Temporal UI. */
  summary(): Summary;
  close(): void;
}

/**
 * What this worker's chunks in progress have done so far, in one small file per submission. Only for display: chunks
 * report to the workflow only when they end, and a followed submit wants to show more.
 */
export class LiveBoard {
  readonly #worker: string;
  readonly #boards = new Map<string, Board>();

  constructor(worker: string) {
    this.#worker = worker;
  }

  /** @param from the chunk's first position */
  open(folder: string, submission: string, from: number): LiveEntry<RangeProgress, ChunkSummary> {
    const chunk = this.#board(folder, submission).open(from);
    return {
      ...chunk,
      show: ({ report, running }) => chunk.show({ ...report, running }),
      summary: () => {
        const { success, failed, running } = chunk.shown() ?? {};
        const counts = success !== undefined && { success, failed };
        return { worker: this.#worker, ...counts, running: running ?? undefined };
      },
    };
  }

  /** @param from the batch's first position */
  openBatch(
    folder: string,
    submission: string,
    from: number,
  ): LiveEntry<BatchProgress, BatchSummary | undefined> {
    const chunk = this.#board(folder, submission).open(from);
    return {
      ...chunk,
      show: ({
        success,
        failed,
        cancelled,
        means,
        digest,
        job,
        excluded,
        time_cut,
        pending,
        running,
        waits,
        runs,
      }) => {
        const cut = time_cut && { time_cut };
        const batch = { job, excluded, ...cut, pending, running, waits, runs };
        chunk.show({ success, failed, cancelled, means, ...(digest && { digest }), running: null, batch });
      },
      summary: () => {
        const { success, failed, batch } = chunk.shown() ?? {};
        if (!batch || success === undefined || failed === undefined) return undefined;
        const { runs: _, ...of } = batch;
        return { worker: this.#worker, ...of, success, failed };
      },
    };
  }

  #board(folder: string, submission: string): Board {
    const key = liveFolder(folder, submission);
    const board = this.#boards.get(key) ?? new Board(key, this.#worker);
    this.#boards.set(key, board);
    return board;
  }

  /** Ends a submission's board: nothing is written to it afterwards. */
  async clear(folder: string, submission: string): Promise<void> {
    const key = liveFolder(folder, submission);
    await this.#boards.get(key)?.end();
    this.#boards.delete(key);
  }
}

class Board {
  readonly #folder: string;
  readonly #worker: string;
  readonly #chunks = new Map<symbol, LiveChunk>();
  /** The chunks as they were last written. */
  #written = '';
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(folder: string, worker: string) {
    this.#folder = folder;
    this.#worker = worker;
  }

  open(from: number) {
    const key = Symbol();
    return {
      show: (progress: Omit<LiveChunk, 'from'>) => {
        this.#chunks.set(key, { from, ...progress });
        this.#changed();
      },
      shown: () => this.#chunks.get(key),
      close: () => {
        // Not immediately: the workflow may not have its report yet, and its counts would be missing in between.
        setTimeout(() => this.#chunks.delete(key) && this.#changed(), LINGER_MS).unref();
      },
    };
  }

  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#writing;
  }

  #changed(): void {
    if (this.#timer || this.#ended) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A full disk must not harm the sweep through its display.
      this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    }, EVERY_MS);
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    const chunks = [...this.#chunks.values()];
    const text = JSON.stringify(chunks);
    // Slots report a long run four times a second. Each write is several requests to a shared file system.
    if (this.#ended || text === this.#written) return;
    await writeLiveFile(this.#folder, {
      worker: this.#worker,
      updated_at: new Date().toISOString(),
      chunks,
    });
    this.#written = text;
  }
}
