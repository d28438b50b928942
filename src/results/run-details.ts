import type { DerivedMetrics } from '../definition/derivation.js';
import type { RunRecord } from '../definition/record.js';
import { type DerivedOfRun, readDerived } from '../storage/file/formats/derived.js';
import type { GitState } from '../storage/manifest.js';
import type { Store } from '../storage/store.js';

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

/** A run's record, and what stands beside it. */
export interface RunDetails extends RunRecord {
  readonly derived: DerivedMetrics;
  readonly failed_derivations: DerivedOfRun['failed'];
  readonly series: readonly SeriesSummary[];
  /** Names of its `capture.data` entries. */
  readonly data: readonly string[];
  /** The submission that executed it. */
  readonly submission: string;
  /** The repository's state when that was submitted, without the diff; null where it is not known. */
  readonly git: Omit<GitState, 'diff'> | null;
}

/** Reads all there is of a run. */
export async function readRunDetails(
  store: Store,
  { record, submission }: { readonly record: RunRecord; readonly submission: string },
): Promise<RunDetails> {
  const series = new Map<string, SeriesSummary>();
  for await (const { name, step, value } of store.series(record)) {
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
  for await (const { name } of store.data(record)) data.add(name);
  const git = await readGit(store, record.experiment_id, submission);
  const { derived, failed } = await readDerived(store.experimentFolder(record.experiment_id), record);
  return {
    ...record,
    derived,
    failed_derivations: failed,
    series: [...series.values()],
    data: [...data],
    submission,
    git,
  };
}

async function readGit(store: Store, experimentId: string, submission: string): Promise<RunDetails['git']> {
  const manifest = await store.readSubmission(experimentId, submission);
  if (!manifest?.git) return null;
  const { diff: _, ...git } = manifest.git;
  return git;
}
