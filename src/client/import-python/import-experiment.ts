import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExperimentDeclaration } from '../../definition/declaration.js';
import type { RunStatus } from '../../definition/record.js';
import { METALAB_VERSION } from '../../engine/version.js';
import { Cells } from '../../identity/cells.js';
import { describeExperiment } from '../../storage/describe-experiment.js';
import { writeOnce } from '../../storage/file/atomic-write.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { AppliedDerivation } from '../../storage/file/formats/derived.js';
import { derivationFile } from '../../storage/file/layout.js';
import { ownerName } from '../../storage/file/owner.js';
import type { SubmissionManifest, SubmissionOutcome } from '../../storage/manifest.js';
import { nameSubmission, nextSubmissionTime } from '../submit/submission.js';
import type { BrokenFiles } from './broken-files.js';
import { DERIVATION, IMPORTED_CODE, IMPORTED_FROM } from './declare-imported.js';
import { readEarlierImport } from './earlier-import.js';
import type { PythonStore } from './find-python-stores.js';
import { type ImportCounts, importRun, type MissingArtifact, nothingImported } from './import-run.js';
import { ImportWriter } from './import-writer.js';
import { type ImportPlan, planImport } from './plan-import.js';
import type { PythonLogs } from './python-logs.js';
import { readDerivedMetrics } from './python-results.js';
import { FILES_A_TURN, type SourceExperiment } from './read-source.js';

export interface ImportedExperiment extends ImportCounts {
  readonly experiment_id: string;
  readonly python_experiment_id: string;
  /** Runs that the store had before. */
  readonly known: number;
  /** All runs that the store has now, by status. */
  readonly statuses: { readonly [status in RunStatus]: number };
}

export interface ImportDependencies {
  /** The folder that is imported. */
  readonly source: string;
  readonly signal: AbortSignal;
  readonly broken: BrokenFiles;
  readonly missing: MissingArtifact[];
  readonly logsOf: (store: PythonStore) => PythonLogs;
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Imports what the store does not have of an experiment. The manifest that makes it visible is written last, so an import
 * that is killed shows nothing of it, or what was there before; the next one goes on from its records.
 */
export async function importExperiment(
  store: FileStore,
  source: SourceExperiment,
  dependencies: ImportDependencies,
): Promise<ImportedExperiment> {
  const { experimentId } = source;
  const counts = nothingImported();
  const plan = planImport(source, await readEarlierImport(store, experimentId));
  const total = plan.known + plan.runs.length;
  const isDeclared = (await store.readManifest(experimentId))?.totals.cells === total;
  if (plan.runs.length > 0 || !isDeclared) await importRuns(store, source, plan, counts, dependencies);
  if (!dependencies.signal.aborted) await importDerived(store, plan, counts, dependencies);
  return {
    experiment_id: experimentId,
    python_experiment_id: source.pythonId,
    ...counts,
    known: plan.known,
    statuses: plan.statuses,
  };
}

async function importRuns(
  store: FileStore,
  source: SourceExperiment,
  plan: ImportPlan,
  counts: ImportCounts,
  { source: folder, signal, broken, missing, logsOf, onProgress }: ImportDependencies,
): Promise<void> {
  const { experimentId } = source;
  const submission = await beginSubmission(store, plan.declaration);
  const cells = new Cells(plan.declaration);
  const writer = new ImportWriter(
    store.experimentFolder(experimentId),
    submission.submission,
    plan.declaration,
  );
  const into = { experimentId, source: folder, writer, logsOf, counts, broken, missing };
  try {
    const { replicates } = plan.declaration.seeds;
    for (const [position, { run, ofCase, replicate, generation }] of plan.runs.entries()) {
      if (position % FILES_A_TURN === 0) {
        onProgress(position, plan.runs.length);
        await nextTurn();
        if (signal.aborted) break;
      }
      await importRun(run, cells.at(ofCase * replicates + replicate, position, generation), into);
    }
    writer.sync();
  } finally {
    writer.close();
  }
  if (signal.aborted) return;
  if (counts.derived > 0) await applyDerivation(store, experimentId);
  await endSubmission(store, plan, submission, counts.records);
}

/** Metrics that were derived after their run was imported. */
async function importDerived(
  store: FileStore,
  { underived, declaration }: ImportPlan,
  counts: ImportCounts,
  { broken }: ImportDependencies,
): Promise<void> {
  const { experiment_id } = declaration;
  const writer = new ImportWriter(store.experimentFolder(experiment_id), '', declaration);
  let added = 0;
  for (const { run, imported } of underived) {
    const values = readDerivedMetrics(run.store, run.runId, broken);
    if (!values) continue;
    writer.derived({ runId: imported.run_id, generation: imported.generation }, values);
    added++;
  }
  if (added === 0) return;
  writer.sync();
  writer.close();
  counts.derived += added;
  await applyDerivation(store, experiment_id);
}

async function applyDerivation(store: FileStore, experimentId: string): Promise<void> {
  const applied: AppliedDerivation = {
    name: DERIVATION,
    ref: IMPORTED_FROM,
    code_fingerprint: IMPORTED_CODE,
    applied_at: new Date().toISOString(),
  };
  const path = derivationFile(store.experimentFolder(experimentId), DERIVATION);
  await writeOnce(path, `${JSON.stringify(applied, undefined, 2)}\n`);
}

async function beginSubmission(
  store: FileStore,
  declaration: ExperimentDeclaration,
): Promise<SubmissionManifest> {
  const { experiment_id } = declaration;
  const sha = await store.writeDeclaration(declaration);
  await endInterrupted(store, experiment_id);
  const submitted = await nextSubmissionTime(store.experimentFolder(experiment_id));
  const manifest: SubmissionManifest = {
    submission: nameSubmission(submitted),
    experiment_id,
    declaration: sha,
    submitted_at: submitted.toISOString(),
    submitter: ownerName(),
    options: { slots: null, keep_failed: false, fresh: false },
  };
  await store.writeSubmission(manifest);
  return manifest;
}

/** Imports that were killed: their records count, and they don't go on themselves. */
async function endInterrupted(store: FileStore, experiment_id: string): Promise<void> {
  for (const submission of await store.submissions(experiment_id)) {
    if (await store.readOutcome(experiment_id, submission)) continue;
    const { submitted_at } = (await store.readSubmission(experiment_id, submission))!;
    const counts = { total: 0, reused: 0, executed: 0, success: 0, failed: 0, cancelled: 0, missing: 0 };
    await store.writeOutcome({
      submission,
      experiment_id,
      state: 'cancelled',
      ...counts,
      ...timesSince(submitted_at),
      reason: 'the import was interrupted; a later one went on',
    });
  }
}

async function endSubmission(
  store: FileStore,
  { declaration, known, runs, statuses }: ImportPlan,
  manifest: SubmissionManifest,
  imported: number,
): Promise<void> {
  const { submission, experiment_id, submitted_at } = manifest;
  const { success, failed, cancelled } = statuses;
  const total = known + runs.length;
  const outcome: SubmissionOutcome = {
    submission,
    experiment_id,
    state: 'completed',
    total,
    reused: known,
    executed: imported,
    success,
    failed,
    cancelled,
    missing: 0,
    ...timesSince(submitted_at),
    reason: null,
  };
  await store.writeOutcome(outcome);
  const described = describeExperiment(declaration, manifest, { git: null, metalabVersion: METALAB_VERSION });
  // Not each case has all replicates: what is declared is what was imported.
  await store.writeManifest({ ...described, totals: { ...described.totals, cells: total } });
}

function timesSince(
  submitted_at: string,
): Pick<SubmissionOutcome, 'started_at' | 'finished_at' | 'duration_ms'> {
  const finished = new Date();
  return {
    started_at: submitted_at,
    finished_at: finished.toISOString(),
    duration_ms: Math.max(0, finished.getTime() - Date.parse(submitted_at)),
  };
}
