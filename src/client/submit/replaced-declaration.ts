import type { ExperimentDeclaration } from '../../definition/declaration.js';
import { MetalabError, StoreError } from '../../definition/errors.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { ExperimentManifest } from '../../storage/manifest.js';
import type { Declared } from '../declare/declare.js';
import { isSameOrigin, type KnownOrigin, readOrigin } from './submission-origin.js';

/** The latest declaration of an experiment, which a submit from another project or folder is about to replace. */
export interface ReplacedDeclaration {
  readonly experiment_id: string;
  /** The file that declares it now. */
  readonly file: string;
  /** The file that declared it before, or only its folder if an older version submitted it. */
  readonly before: string;
}

/**
 * Finds the declaration that a submit is about to replace, if that came from another project or folder and its runs
 * would no longer be shown: with the same code and context, `results` shows the runs of both.
 */
export async function findReplaced(
  store: FileStore,
  { declaration, file }: Declared,
): Promise<ReplacedDeclaration | undefined> {
  const { experiment_id } = declaration;
  // A damaged declaration does not show its origin, and this submit writes it again.
  const latest = await store.readManifest(experiment_id).catch(ignoreCorrupt);
  if (!latest || showsTheSame(latest, declaration)) return undefined;
  const before = await originOf(store, latest);
  if (!before || isSameOrigin(before, await readOrigin(file))) return undefined;
  return { experiment_id, file, before: before.file };
}

const showsTheSame = (
  latest: ExperimentManifest,
  { operation, context_fingerprint }: ExperimentDeclaration,
) =>
  latest.operation.code_fingerprint === operation.code_fingerprint &&
  latest.context_fingerprint === context_fingerprint;

async function originOf(
  store: FileStore,
  { experiment_id, latest_submission, declaration: sha }: ExperimentManifest,
): Promise<KnownOrigin | undefined> {
  const submission = await store.readSubmission(experiment_id, latest_submission).catch(ignoreCorrupt);
  if (submission?.origin) return submission.origin;
  const cwd = (await store.readDeclaration(experiment_id, sha).catch(() => undefined))?.cwd;
  return cwd === undefined ? undefined : { file: cwd };
}

export const describeReplaced = ({ experiment_id, file, before }: ReplacedDeclaration): string =>
  `${experiment_id} was last submitted from ${before}, another project or folder; submitting ${file} replaces that declaration: ` +
  `results, status and retry are then about this one (results --all shows the runs of both). ` +
  'Give this experiment another name or version to keep them apart';

export const notReplaced = ({ experiment_id, before }: ReplacedDeclaration) =>
  new MetalabError({
    code: 'METALAB_NOT_REPLACED',
    where: experiment_id,
    what: `nothing was submitted: its latest declaration is that of ${before}`,
    next: 'give this experiment another name or version, or name another store',
  });

function ignoreCorrupt(error: unknown): undefined {
  if (!(error instanceof StoreError) || error.code !== 'METALAB_STORE_CORRUPT') throw error;
}
