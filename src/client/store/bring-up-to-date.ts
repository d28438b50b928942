import { StoreError } from '../../definition/errors.js';
import { CompactionProcess } from '../../results/compaction/compact-in-child.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { indexStore } from '../../storage/postgresql/index-store.js';

/** What came of files that have an index. */
export interface LaggingIndex {
  /** Why the index could not be brought up to date. */
  readonly index_error?: string;
}

export interface UpToDateOptions {
  readonly compact: boolean;
  /** Read all of it again for the index, since lines have changed in place. */
  readonly rebuild: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Computes again what depends on an experiment's files, while its user waits. The files are as they should be by then: an
 * index that can't be written only lags.
 *
 * @returns why the index lags; undefined if it has all
 */
export async function bringUpToDate(
  store: FileStore,
  experiment: string,
  { compact, rebuild, signal }: UpToDateOptions,
): Promise<string | undefined> {
  if (compact) await compactNow(store.experimentFolder(experiment), signal);
  if (!store.index) return undefined;
  try {
    await indexStore(store, store.index, [experiment], { rebuild, ...(signal && { signal }) });
    return undefined;
  } catch (error) {
    if (error instanceof StoreError) return error.what;
    throw error;
  }
}

async function compactNow(folder: string, signal: AbortSignal | undefined): Promise<void> {
  const compaction = new CompactionProcess();
  try {
    // A cache: without it results are read more slowly.
    await compaction.compact(folder, { urgent: true, signal }).catch(() => {});
  } finally {
    await compaction.close();
  }
}
