import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import type { ParamSpec } from '../definition/params/source.js';
import type { SeedPlan } from '../definition/seeds.js';
import { Case } from '../identity/cells.js';
import { seedFingerprint } from '../identity/fingerprint.js';
import { readDeclarationOf } from '../storage/file/check/check-named.js';
import { manifestFile, submissionFile, submissionFolder } from '../storage/file/layout.js';
import { listNames } from '../storage/file/list-names.js';
import { readJson } from '../storage/file/read-json.js';
import type { ExperimentManifest, SubmissionManifest } from '../storage/manifest.js';

/** Code and context of a run. */
export interface RunIdentity {
  readonly code_fingerprint: string;
  readonly context_fingerprint: string;
}

/** Which runs an experiment's latest declaration asks for: exactly its cells, with its code and context. */
export interface Current extends RunIdentity {
  /** The declaration's name in the store. */
  readonly declaration: string;
  readonly params: ParamSpec;
  readonly seeds: SeedPlan;
  /**
   * Submissions with the same code and context but other params or seeds: their runs count only if they are cells of the
   * latest declaration, too.
   */
  readonly otherCells: readonly string[];
}

/** What is known of a submission besides its records. */
export interface SubmissionFacts {
  readonly submission: string;
  readonly seed_base: number | null;
}

export const isCurrent = (record: RunIdentity, current: RunIdentity): boolean =>
  record.code_fingerprint === current.code_fingerprint &&
  record.context_fingerprint === current.context_fingerprint;

/** Which runs of an experiment are current, and its submissions. */
export interface Origins {
  /** Null where the experiment has no manifest: then all runs are current. */
  readonly current: Current | null;
  readonly submissions: readonly SubmissionFacts[];
}

/** @param folder the experiment's folder in the store */
export async function readOrigins(folder: string): Promise<Origins> {
  const manifest = await readJson<ExperimentManifest>(manifestFile(folder));
  const submissions: SubmissionFacts[] = [];
  const otherCells: string[] = [];
  const known = new Map<string, ExperimentDeclaration | undefined>();
  for (const submission of await listNames(dirname(submissionFolder(folder, '_')))) {
    const sha = (await readJson<SubmissionManifest>(submissionFile(folder, submission)))?.declaration;
    if (sha === undefined) continue;
    if (!known.has(sha)) known.set(sha, await readDeclarationOf(folder, sha));
    const declaration = known.get(sha);
    submissions.push({ submission, seed_base: declaration?.seeds.base ?? null });
    if (manifest && declaration && hasOtherCells(declaration, manifest)) otherCells.push(submission);
  }
  if (!manifest) return { current: null, submissions };
  const { declaration, operation, context_fingerprint, params, seeds } = manifest;
  const { code_fingerprint } = operation;
  const current = { declaration, code_fingerprint, context_fingerprint, params, seeds, otherCells };
  return { current, submissions };
}

/** Whether it has the code and context of the latest declaration, and other params or seeds. */
function hasOtherCells(declaration: ExperimentDeclaration, latest: ExperimentManifest): boolean {
  const { operation, context_fingerprint } = declaration;
  if (
    !isCurrent(
      { code_fingerprint: operation.code_fingerprint, context_fingerprint },
      {
        code_fingerprint: latest.operation.code_fingerprint,
        context_fingerprint: latest.context_fingerprint,
      },
    )
  )
    return false;
  return !isDeepStrictEqual([declaration.params, declaration.seeds], [latest.params, latest.seeds]);
}

/** The fingerprints of a declaration's cases, in their order. A million take some seconds. */
export function* caseFingerprints({ params }: Pick<Current, 'params'>): Generator<string, void> {
  const source = paramSourceFromSpec(params);
  for (let index = 0; index < source.length; index++) yield new Case(source, index).paramsFingerprint;
}

/** The fingerprints of a declaration's seeds, by replicate. */
export function* seedFingerprints({ seeds }: Pick<Current, 'seeds'>): Generator<string, void> {
  for (let replicate = 0; replicate < seeds.replicates; replicate++)
    yield seedFingerprint({ base: seeds.base, replicate });
}
