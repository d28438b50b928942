import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../definition/errors.js';
import { listUncovered } from '../../storage/file/formats/coverage.js';
import { seriesSegments } from '../../storage/file/formats/series-file.js';
import { CompactionProcess, compactInChild } from './compact-in-child.js';

/** Some 6,000 small records: they are compacted in 0.2 s, for which a submission waits. */
const SMALL_BYTES = 4 * 1024 * 1024;
/** Some 8,000 points. */
const SMALL_SERIES_BYTES = 1024 * 1024;
/** More are hardly ever small. */
const SMALL_RUNS = 10_000;
/** A machine that is busy, or a store that does not answer, must not hold a submission up. */
const MAX_WAIT_MS = 5000;
/** The process for small compactions starts as a submission begins, and ends when none did for so long. */
const IDLE_MS = 60_000;

/** Keeps experiments' Parquet files up to date. */
export interface Compactor {
  /** A submission of so many runs begins: what its end needs is started now. */
  prepare(runs: number): void;
  /** Compacts an experiment: resolves when that is done where it is small, else at once. Never fails. */
  compact(folder: string): Promise<void>;
  /** Ends those in progress. */
  close(): Promise<void>;
}

/** @param log is called with why a compaction failed */
export function createCompactor(log: (line: string) => void): Compactor {
  const ended = new AbortController();
  const small = new SmallCompactions(ended.signal);
  const waiting = new Set<string>();
  let working: Promise<void> | undefined;
  const work = async () => {
    for (const folder of waiting) {
      waiting.delete(folder);
      if (ended.signal.aborted) return;
      await compactInChild(folder, ended.signal).catch((error: unknown) => log(messageOf(error)));
    }
    working = undefined;
  };
  const later = (folder: string) => {
    waiting.add(folder);
    working ??= work();
  };
  return {
    prepare(runs) {
      if (runs <= SMALL_RUNS) small.prepare();
    },
    async compact(folder) {
      try {
        if (!(await isSmall(folder))) return later(folder);
        const series = sum(await seriesSegments(folder)) <= SMALL_SERIES_BYTES;
        const done = small.compact(folder, series).then(
          // Another process is at it, which may have begun before this submission's last records.
          (busy) => (busy || !series) && later(folder),
          (error: unknown) => log(messageOf(error)),
        );
        await Promise.race([done, sleep(MAX_WAIT_MS, undefined, { ref: false })]);
      } catch (error) {
        log(messageOf(error));
      }
    },
    async close() {
      ended.abort();
      await Promise.all([working, small.close()]);
    },
  };
}

/** Compacts in one process, which is kept for a while. */
class SmallCompactions {
  readonly #signal: AbortSignal;
  #process: CompactionProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  prepare(): void {
    this.#process ??= new CompactionProcess();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
  }

  /** @returns whether another process is compacting the experiment */
  compact(folder: string, series: boolean): Promise<boolean> {
    const result = this.#last.then(async () => {
      this.prepare();
      try {
        const options = { urgent: true, series, signal: this.#signal };
        const { kind } = await this.#process!.compact(folder, options);
        return kind === 'busy';
      } catch (error) {
        // It may have died: the next one gets a new process.
        await this.close();
        throw error;
      }
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const closing = this.#process;
    this.#process = undefined;
    await closing?.close();
  }
}

const sum = (sizes: { readonly [segment: string]: number }) =>
  Object.values(sizes).reduce((total, size) => total + size, 0);

/** By all bytes of its records: the whole file is rewritten. */
async function isSmall(folder: string): Promise<boolean> {
  const segments = await listUncovered(folder, undefined);
  return segments.reduce((sum, { to }) => sum + to, 0) <= SMALL_BYTES;
}
