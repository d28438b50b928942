import { listUncovered } from '../../storage/file/formats/coverage.js';
import { readCoverage } from '../../storage/file/formats/runs-file.js';
import { compactInChild } from './compact-in-child.js';

/**
 * Some 6,000 small records, which are read from their segments in 50 ms: less is not worth a process. A compaction of
 * them takes 0.5 s of a core.
 */
const MIN_BYTES = 4 * 1024 * 1024;
/** The whole file is written anew each time: what is added must be a fair part of it. */
const MIN_SHARE = 1 / 10;

/** Compacts the records of experiments in the background, one at a time. */
export interface Compactor {
  /** Looks at an experiment's folder when those before it are done, and compacts it where that is worth it. Never fails. */
  consider(folder: string): void;
  /** Ends the one in progress. */
  close(): Promise<void>;
}

/** @param log hears of compactions that failed */
export function createCompactor(log: (line: string) => void): Compactor {
  const waiting = new Set<string>();
  const ended = new AbortController();
  let working: Promise<void> | undefined;
  const work = async () => {
    for (const folder of waiting) {
      waiting.delete(folder);
      if (ended.signal.aborted) return;
      try {
        if (await isWorthIt(folder)) await compactInChild(folder, ended.signal);
      } catch (error) {
        log(error instanceof Error ? error.message : String(error));
      }
    }
    working = undefined;
  };
  return {
    consider(folder) {
      waiting.add(folder);
      working ??= work();
    },
    async close() {
      ended.abort();
      await working;
    },
  };
}

async function isWorthIt(folder: string): Promise<boolean> {
  const covered = (await readCoverage(folder))?.segments ?? {};
  const sum = (lengths: readonly number[]) => lengths.reduce((total, length) => total + length, 0);
  const uncovered = sum((await listUncovered(folder, covered)).map(({ from, to }) => to - from));
  return uncovered >= Math.max(MIN_BYTES, sum(Object.values(covered)) * MIN_SHARE);
}
