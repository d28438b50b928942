import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mergeMeans } from '../definition/running-mean.js';
import type { RangeProgress } from '../execution/executor.js';
import { liveFolder } from '../storage/file/layout.js';
import type { LiveProgress } from '../storage/manifest.js';

const EVERY_MS = 250;

/** One chunk in progress. */
export interface LiveEntry {
  show(progress: RangeProgress): void;
  /** For the heartbeat's details in the Temporal UI. */
  summary(): unknown;
  close(): void;
}

/**
 * What this worker's chunks in progress have done so far, in one small file a submission, for showing only: chunks report
 * to the workflow only when they end, and a followed submit wants to see more.
 */
export class LiveBoard {
  readonly #worker: string;
  readonly #boards = new Map<string, Board>();

  constructor(worker: string) {
    this.#worker = worker;
  }

  open(folder: string, submission: string): LiveEntry {
    const key = liveFolder(folder, submission);
    const board = this.#boards.get(key) ?? new Board(key, this.#worker);
    this.#boards.set(key, board);
    return board.open();
  }

  /** Ends a submission's board: nothing of it is written afterwards. */
  async clear(folder: string, submission: string): Promise<void> {
    const key = liveFolder(folder, submission);
    await this.#boards.get(key)?.end();
    this.#boards.delete(key);
  }
}

class Board {
  readonly #folder: string;
  readonly #worker: string;
  readonly #chunks = new Map<symbol, RangeProgress>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(folder: string, worker: string) {
    this.#folder = folder;
    this.#worker = worker;
  }

  open(): LiveEntry {
    const key = Symbol();
    return {
      show: (progress) => {
        this.#chunks.set(key, progress);
        this.#changed();
      },
      summary: () => {
        const { report, running } = this.#chunks.get(key) ?? {};
        return report && { success: report.success, failed: report.failed, running: running ?? undefined };
      },
      close: () => {
        // Its counts are in its report from now on.
        if (this.#chunks.delete(key)) this.#changed();
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
      this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    }, EVERY_MS);
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    if (this.#ended) return;
    const path = join(this.#folder, `${this.#worker}.json`);
    await mkdir(this.#folder, { recursive: true });
    const temporary = `${path}.tmp`;
    try {
      await writeFile(temporary, JSON.stringify(this.#sum()));
      await rename(temporary, path);
    } catch (error) {
      // A full disk must not hurt the sweep by its display.
      await rm(temporary, { force: true });
      throw error;
    }
  }

  #sum(): LiveProgress {
    const sum = { success: 0, failed: 0, cancelled: 0, means: {} };
    const running = [];
    for (const { report, running: run } of this.#chunks.values()) {
      sum.success += report.success;
      sum.failed += report.failed;
      sum.cancelled += report.cancelled;
      sum.means = mergeMeans(sum.means, report.means);
      if (run) running.push(run);
    }
    return { worker: this.#worker, updated_at: new Date().toISOString(), ...sum, running };
  }
}
