import { decidePlan } from '../../planning/decide.js';
import { type DeletedRuns, deleteRuns } from '../../storage/file/delete-runs.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { SubmissionOutcome } from '../../storage/manifest.js';
import { bringUpToDate, type LaggingIndex } from './bring-up-to-date.js';

/**
 * Deletes runs of a store: their records, series, data, logs and derived metrics. The next submit does them again.
 *
 * @param runs run_ids by experiment
 * @throws StoreError METALAB_STORE_HELD where an engine uses the store
 */
export async function deleteRunsOf(
  store: FileStore,
  runs: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<DeletedRuns & LaggingIndex> {
  return store.lease.during('metalab store delete', async () => {
    let records = 0;
    let lines = 0;
    let index_error: string | undefined;
    for (const [experiment, ids] of runs) {
      const before = await expectMissing(store, experiment, ids.size);
      const deleted = await deleteRuns(store.experimentFolder(experiment), ids);
      records += deleted.records;
      lines += deleted.lines;
      await correctOutcome(store, experiment, before);
      index_error ??= await bringUpToDate(store, experiment, { compact: true, rebuild: true });
    }
    return { records, lines, ...(index_error !== undefined && { index_error }) };
  });
}

const DELETED = 'runs were deleted from the store';

/**
 * Where this is killed half-way, `status` says that runs are missing: at most so many.
 *
 * @returns the outcome of the latest submission as it was; undefined if it has none
 */
async function expectMissing(
  store: FileStore,
  experiment: string,
  runs: number,
): Promise<SubmissionOutcome | undefined> {
  const latest = (await store.readManifest(experiment))?.latest_submission;
  const outcome = latest === undefined ? undefined : await store.readOutcome(experiment, latest);
  if (!outcome) return undefined;
  const success = Math.max(0, outcome.success - runs);
  const missing = outcome.missing + outcome.success - success;
  await store.writeOutcome({ ...outcome, success, missing, reason: DELETED });
  return outcome;
}

/** The outcome says how many runs of its declaration the store has: so does `status`. */
async function correctOutcome(
  store: FileStore,
  experiment: string,
  before: SubmissionOutcome | undefined,
): Promise<void> {
  const sha = before && (await store.readSubmission(experiment, before.submission))?.declaration;
  const declaration = sha && (await store.readDeclaration(experiment, sha));
  if (!declaration) return;
  const folder = store.experimentFolder(experiment);
  const all = { fresh: false, keep_failed: true };
  const { reused } = (await decidePlan(folder, declaration, sha, all)).manifest;
  const missing = before.total - reused.success - reused.failed - reused.cancelled;
  // Its best run may be gone.
  const { digest: _, ...kept } = before;
  const isSame = missing === before.missing;
  await store.writeOutcome(isSame ? before : { ...kept, ...reused, missing, reason: DELETED });
}
