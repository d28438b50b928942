import { CompactionProcess } from '../../results/compaction/compact-in-child.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { indexStore } from '../../storage/postgresql/index-store.js';

export interface UpToDateOptions {
  readonly compact: boolean;
  /** Read all of it anew for the index, since lines have changed in place. */
  readonly rebuild: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Makes what is computed from an experiment's files anew, whose user waits for it. */
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
