import type { ExperimentDeclaration, OperationDeclaration } from '../definition/declaration.js';
import type { DerivedMetrics } from '../definition/derivation.js';
import type { RunRecord } from '../definition/record.js';
import { readDeclarationOf } from '../storage/file/check/check-named.js';
import { type DerivedOfRun, readDerived } from '../storage/file/formats/derived.js';
import { readData, readSeries } from '../storage/file/formats/sidecars.js';
import { submissionFile } from '../storage/file/layout.js';
import { readJson } from '../storage/file/read-json.js';
import type { GitState, SubmissionManifest } from '../storage/manifest.js';
import type { ResultsStore } from '../storage/store.js';
import { openRuns } from './open-runs.js';

/** What a series of a run looks like in one line. */
export interface SeriesSummary {
  readonly name: string;
  readonly points: number;
  readonly first_step: number;
  readonly last_step: number;
  readonly first: number;
  readonly last: number;
  readonly least: number;
  readonly most: number;
}

/** A run's record, and what stands beside it and its submission. Null: not known. */
export interface RunDetails extends RunRecord {
  readonly derived: DerivedMetrics;
  readonly failed_derivations: DerivedOfRun['failed'];
  readonly series: readonly SeriesSummary[];
  /** Names of its `capture.data` entries. */
  readonly data: readonly string[];
  /** The submission that executed it. */
  readonly submission: string;
  /** The repository's state when that was submitted, without the diff. */
  readonly git: Omit<GitState, 'diff'> | null;
  /** Where that submission's runs execute. */
  readonly environment: SubmissionManifest['environment'] | null;
  /** What the seeds derive from, together with the replicate. */
  readonly seed_base: number | null;
  /** The context, with the hashes of files and folders in their place. */
  readonly context: ExperimentDeclaration['context'] | null;
  /** Hashes of the code that the operation reaches, by module, and versions of its packages. */
  readonly modules: OperationDeclaration['modules'] | null;
  readonly packages: OperationDeclaration['packages'] | null;
}

/** Reads all there is of a run. */
export async function readRunDetails(
  store: ResultsStore,
  { record, submission }: { readonly record: RunRecord; readonly submission: string },
): Promise<RunDetails> {
  const runs = await openRuns(store, record.experiment_id, [record.run_id]);
  try {
    await Promise.all([runs.load('series'), runs.load('data')]);
    return await readDetails(runs.folder, record, submission);
  } finally {
    runs.close();
  }
}

async function readDetails(folder: string, record: RunRecord, submission: string): Promise<RunDetails> {
  const series = new Map<string, SeriesSummary>();
  for await (const { name, step, value } of readSeries(folder, record)) {
    const known = series.get(name);
    series.set(name, {
      name,
      points: (known?.points ?? 0) + 1,
      first_step: known?.first_step ?? step,
      last_step: step,
      first: known?.first ?? value,
      last: value,
      least: Math.min(known?.least ?? value, value),
      most: Math.max(known?.most ?? value, value),
    });
  }
  const data = new Set<string>();
  for await (const { name } of readData(folder, record)) data.add(name);
  const { derived, failed } = await readDerived(folder, record);
  const manifest = await readJson<SubmissionManifest>(submissionFile(folder, submission));
  const declaration = manifest && (await readDeclarationOf(folder, manifest.declaration));
  return {
    ...record,
    derived,
    failed_derivations: failed,
    series: [...series.values()],
    data: [...data],
    submission,
    git: withoutDiff(manifest?.git),
    environment: manifest?.environment ?? null,
    seed_base: declaration?.seeds.base ?? null,
    context: declaration?.context ?? null,
    modules: declaration?.operation.modules ?? null,
    packages: declaration?.operation.packages ?? null,
  };
}

function withoutDiff(state: GitState | null | undefined): RunDetails['git'] {
  if (!state) return null;
  const { diff: _, ...git } = state;
  return git;
}
