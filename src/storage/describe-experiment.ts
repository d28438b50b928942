import { countCells, type ExperimentDeclaration } from '../definition/declaration.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import type { ExperimentManifest, GitState, SubmissionManifest } from './manifest.js';

/** The manifest of an experiment, `experiment.json`, as its latest submission declares it. */
export function describeExperiment(
  declaration: ExperimentDeclaration,
  latest: Pick<SubmissionManifest, 'submission' | 'declaration' | 'submitted_at' | 'environment'>,
  origin: { readonly git: GitState | null; readonly metalabVersion: string },
): ExperimentManifest {
  const cases = paramSourceFromSpec(declaration.params).length;
  const {
    retries: _,
    timeout_ms: _1,
    memory_bytes: _2,
    isolate: _6,
    max_failures: _7,
    resources: _3,
    env: _4,
    cwd: _5,
    ...described
  } = declaration;
  return {
    ...described,
    declaration: latest.declaration,
    latest_submission: latest.submission,
    submitted_at: latest.submitted_at,
    totals: { cases, cells: countCells(cases, declaration.seeds) },
    environment: latest.environment?.name ?? 'local',
    git: origin.git,
    metalab_version: origin.metalabVersion,
  };
}
