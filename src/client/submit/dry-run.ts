import { StoreError } from '../../definition/errors.js';
import { decidePlan } from '../../planning/decide.js';
import { type Change, explainChanges } from '../../planning/explain.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { ExperimentManifest, PlanManifest } from '../../storage/manifest.js';
import type { Declared } from '../declare/declare.js';
import { findReplaced, type ReplacedDeclaration } from './replaced-declaration.js';

export interface DryRun {
  readonly plan: Omit<PlanManifest, 'submission'>;
  /** Since the last submit. */
  readonly changes: readonly Change[];
  readonly replaced: ReplacedDeclaration | undefined;
}

/** Decides what a submit would do by the code that a submit uses. Writes nothing. */
export async function planDryRun(
  openStore: () => Promise<FileStore>,
  declared: Declared,
  choices: { readonly fresh: boolean; readonly keep_failed: boolean },
): Promise<DryRun> {
  const { declaration } = declared;
  const { folder, before, replaced } = await lookAtStore(openStore, declared);
  const { manifest: plan } = await decidePlan(folder, declaration, 'dry-run', choices);
  return { plan, changes: before ? explainChanges(before, declaration) : [], replaced };
}

/** A store that doesn't exist yet is empty; any other problem with it would prevent the submit too. */
async function lookAtStore(
  openStore: () => Promise<FileStore>,
  declared: Declared,
): Promise<{
  folder: string;
  before?: ExperimentManifest | undefined;
  replaced?: ReplacedDeclaration | undefined;
}> {
  const { experiment_id } = declared.declaration;
  try {
    const store = await openStore();
    return {
      folder: store.experimentFolder(experiment_id),
      before: await store.readManifest(experiment_id),
      replaced: await findReplaced(store, declared),
    };
  } catch (error) {
    if (error instanceof StoreError && error.code === 'METALAB_STORE_MISSING') return { folder: '' };
    throw error;
  }
}
