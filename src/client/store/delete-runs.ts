import { decidePlan } from '../../planning/decide.js';
import { type DeletedRuns, deleteRuns } from '../../storage/file/delete-runs.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { bringUpToDate } from './bring-up-to-date.js';

/**
 * Deletes runs of a store: their records, series, data, logs and derived metrics. The next submit does them again.
 *
 * @param runs run_ids by experiment
 * @throws StoreError METALAB_STORE_HELD where an engine uses the store
 */
export async function deleteRunsOf(
  store: FileStore,
  runs: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<DeletedRuns> {
  return store.lease.during('metalab store delete', async () => {
    let records = 0;
    let lines = 0;
    for (const [experiment, ids] of runs) {
      const deleted = await deleteRuns(store.experimentFolder(experiment), ids);
      records += deleted.records;
      lines += deleted.lines;
      await correctOutcome(store, experiment);
      await bringUpToDate(store, experiment, { compact: true, rebuild: true });
    }
    return { records, lines };
  });
}

/** The outcome of the latest submission says how many of its runs the store has: so does `status`. */
async function correctOutcome(store: FileStore, experiment: string): Promise<void> {
  const latest = (await store.readManifest(experiment))?.latest_submission;
  const outcome = latest && (await store.readOutcome(experiment, latest));
  const sha = latest && (await store.readSubmission(experiment, latest))?.declaration;
  const declaration = sha && (await store.readDeclaration(experiment, sha));
  if (!outcome || !declaration) return;
  const folder = store.experimentFolder(experiment);
  const all = { fresh: false, keep_failed: true };
  const { reused } = (await decidePlan(folder, declaration, sha, all)).manifest;
  const missing = outcome.total - reused.success - reused.failed - reused.cancelled;
  if (missing === outcome.missing) return;
  // Of runs that may be gone.
  const { digest: _, ...kept } = outcome;
  await store.writeOutcome({ ...kept, ...reused, missing, reason: 'runs were deleted from the store' });
}
