import { mkdir, writeFile } from 'node:fs/promises';
import type { SubmissionRef } from '../../src/contract/activities.js';
import { type ExperimentDeclaration, FINGERPRINT_SCHEME } from '../../src/definition/declaration.js';
import type { RunRecord, RunStatus } from '../../src/definition/record.js';
import { writePlan } from '../../src/planning/write-plan.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { environmentFile, liveFolder } from '../../src/storage/file/layout.js';
import type { SubmissionManifest, SubmissionOptions } from '../../src/storage/manifest.js';
import { CODE, CONTEXT, manifestOf, recordOf, writeSegment } from '../support/records.js';

export const SWEEP = 'sweep:1';

export const OPTIONS: SubmissionOptions = { slots: null, keep_failed: false, fresh: false };

/** An experiment of as many cells. */
export function declarationOf(
  cells: number,
  overrides: Partial<ExperimentDeclaration> = {},
): ExperimentDeclaration {
  return {
    scheme: FINGERPRINT_SCHEME,
    experiment_id: SWEEP,
    name: 'sweep',
    version: '1',
    description: null,
    tags: [],
    metadata: {},
    operation: { ...manifestOf().operation, code_fingerprint: CODE },
    params: { kind: 'grid', axes: { x: Array.from({ length: cells }, (_, x) => x) } },
    seeds: { base: 1, replicates: 1 },
    context: {},
    context_fingerprint: CONTEXT,
    files: [],
    retries: 0,
    timeout_ms: null,
    memory_bytes: null,
    env: [],
    cwd: '/project',
    ...overrides,
  };
}

interface SubmittedParts {
  readonly submission?: string;
  readonly declaration?: ExperimentDeclaration;
  readonly manifest?: Partial<SubmissionManifest>;
  /** Of `env.json`; null: there is no such file. */
  readonly env?: string | null;
  readonly isPlanned?: boolean;
}

/** Writes a submission as `metalab submit` does. @returns what its activities get */
export async function submitTo(
  store: FileStore,
  {
    submission = 's1',
    declaration = declarationOf(10),
    manifest = {},
    env = '{}',
    isPlanned = true,
  }: SubmittedParts = {},
): Promise<SubmissionRef> {
  const { experiment_id } = declaration;
  const folder = store.experimentFolder(experiment_id);
  const sha = await store.writeDeclaration(declaration);
  const options = manifest.options ?? OPTIONS;
  await store.writeSubmission({
    submission,
    experiment_id,
    declaration: sha,
    submitted_at: new Date().toISOString(),
    options,
    ...manifest,
  });
  if (env !== null) await writeFile(environmentFile(folder, submission), env);
  if (isPlanned) {
    await writePlan(folder, submission, declaration, sha, options);
    await mkdir(liveFolder(folder, submission), { recursive: true });
  }
  return { store: store.uri, experiment_id, submission, declaration: sha, options };
}

/** Records as slots write them, of cells and so of the positions of a plan of all cells. */
export function record(
  store: FileStore,
  cells: readonly number[],
  { status = 'success', submission = 's1', writer = 'host-1-aa', ...overrides }: RecordedParts = {},
): void {
  const lines = cells.map((index) => recordOf({ index, experiment_id: SWEEP, status, ...overrides }));
  writeSegment(store, lines, { writer, submission, experiment: SWEEP });
}

type RecordedParts = Partial<RunRecord> & {
  readonly status?: RunStatus;
  readonly submission?: string;
  readonly writer?: string;
};
