import { type CompactionResult, compactInChild } from '../../results/compaction/compact-in-child.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { readCoverage } from '../../storage/file/formats/runs-file.js';
import { runsFile } from '../../storage/file/layout.js';
import { resolveExperiment } from '../resolve/resolve-experiment.js';

/** How the compaction of one experiment ended. */
export interface CompactedExperiment {
  readonly experiment_id: string;
  readonly result: CompactionResult['kind'];
  readonly runs: number | null;
  readonly file: string;
  /** Segment lines that are not records. */
  readonly damaged: number;
}

/**
 * Compacts one experiment of the store, or all of them, one after the other.
 *
 * @throws StoreError if a compaction fails
 */
export async function compactExperiments(
  store: FileStore,
  prefix: string | undefined,
  signal: AbortSignal,
): Promise<CompactedExperiment[]> {
  const ids = prefix === undefined ? await store.experiments() : [await resolveExperiment(store, prefix)];
  const compacted: CompactedExperiment[] = [];
  for (const experiment_id of ids) {
    const folder = store.experimentFolder(experiment_id);
    const result = await compactInChild(folder, signal);
    compacted.push({
      experiment_id,
      result: result.kind,
      runs: result.kind === 'compacted' ? result.runs : null,
      file: runsFile(folder),
      damaged: (await readCoverage(folder))?.damaged ?? 0,
    });
    if (signal.aborted) break;
  }
  return compacted;
}
