import { CompactionProcess } from '../../results/compaction/compact-in-child.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { indexStore } from '../../storage/postgresql/index-store.js';

export interface UpToDateOptions {
  readonly compact: boolean;
  /** Read all of it again for the index, since lines have changed in place. */
  readonly rebuild: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Computes again what depends on an experiment's files, while its user waits. */
export async function bringUpToDate(
  store: FileStore,
  experiment: string,
  { compact, rebuild, signal }: UpToDateOptions,
): Promise<void> {
  if (compact) await compactNow(store.experimentFolder(experiment), signal);
  if (store.index) await indexStore(store, store.index, [experiment], { rebuild, ...(signal && { signal }) });
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
