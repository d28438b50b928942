import { countCells, type ExperimentDeclaration } from '../definition/declaration.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import type { ExperimentManifest, GitState, SubmissionManifest } from './manifest.js';

/** The manifest of an experiment, `experiment.json`, as its latest submission declares it. */
export function describeExperiment(
  declaration: ExperimentDeclaration,
  latest: Pick<SubmissionManifest, 'submission' | 'declaration' | 'submitted_at'>,
  surroundings: { readonly git: GitState | null; readonly metalabVersion: string },
): ExperimentManifest {
  const cases = paramSourceFromSpec(declaration.params).length;
  const { retries: _, timeout_ms: _1, memory_bytes: _2, env: _3, cwd: _4, ...described } = declaration;
  return {
    ...described,
    declaration: latest.declaration,
    latest_submission: latest.submission,
    submitted_at: latest.submitted_at,
    totals: { cases, cells: countCells(cases, declaration.seeds) },
    environment: 'local',
    git: surroundings.git,
    metalab_version: surroundings.metalabVersion,
  };
}
