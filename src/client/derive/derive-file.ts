import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { temporaryFolder } from '../../access/temporary-folder.js';
import { UsageError } from '../../definition/errors.js';
import { type Derived, type DeriveOptions, derive } from '../../results/derive/derive.js';
import { openUnderived, type Underived } from '../../results/derive/find-underived.js';
import { writeAtomically } from '../../storage/file/atomic-write.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { type AppliedDerivation, currentDerivations } from '../../storage/file/formats/derived.js';
import { derivationFile, derivedFolder } from '../../storage/file/layout.js';
import { TEMPORARY, temporaryName } from '../../storage/file/owner.js';
import { readJson } from '../../storage/file/read-json.js';
import type { DeclaredDerivations } from '../declare/derivations.js';
import { evaluateDerivations } from '../evaluate/evaluate.js';
import { resolveExperiment } from '../resolve/resolve-experiment.js';

/** A derivation may take so long for a run. */
const LIMIT_MS = 10 * 60_000;

export interface DeriveFileOptions {
  /** The experiment in the store, by any unambiguous prefix of its id. Default: the one that the file declares. */
  readonly experiment?: string | undefined;
  /** Which experiment of the file, if it declares several. */
  readonly name?: string | undefined;
  /** Runs of older declarations too. */
  readonly all?: boolean | undefined;
}

/** What a file's derivations have to compute. */
export interface DerivePlan extends Pick<Underived, 'runs' | 'total'> {
  readonly experiment_id: string;
  readonly derivations: readonly {
    readonly name: string;
    /** How many runs have no metrics of its present code. */
    readonly missing: number;
    /** Why: the code has changed, or some runs have no metrics yet. */
    readonly code: 'new' | 'changed' | 'same';
  }[];
  compute(options: DeriveOptions): Promise<Derived>;
  close(): Promise<void>;
}

/**
 * Finds the runs for which the derivations of a file are missing. The derivations' code counts from `compute` on.
 *
 * @throws DefinitionError if something is wrong with the file; UsageError if there is no such experiment
 */
export async function planDerive(
  store: FileStore,
  file: string,
  { experiment, name, all = false }: DeriveFileOptions = {},
): Promise<DerivePlan> {
  const declared = await evaluateDerivations(file, name);
  const experiment_id = await resolveExperiment(
    store,
    experiment ?? (await experimentOf(store, file, declared)),
  );
  const folder = store.experimentFolder(experiment_id);
  const codes = new Map(
    Object.entries(declared.derived).map(([derivation, { code_fingerprint }]) => [
      derivation,
      code_fingerprint,
    ]),
  );
  const before = await currentDerivations(folder);
  const underived = await openUnderived(folder, codes, { all });
  const { runs, total, missing } = underived;
  return {
    experiment_id,
    runs,
    total,
    derivations: [...codes].map(([derivation, code]) => ({
      name: derivation,
      missing: missing[derivation] ?? 0,
      code: before.get(derivation) === code ? 'same' : before.has(derivation) ? 'changed' : 'new',
    })),
    async compute(options) {
      await apply(folder, declared, before);
      const derived = await compute(underived, declared, folder, options);
      await noteMetrics(folder, declared, derived.owners);
      return derived;
    },
    close: () => underived.close(),
  };
}

/** @throws UsageError if the file declares no experiment, and the store has several */
async function experimentOf(
  store: FileStore,
  file: string,
  { experiment_id }: DeclaredDerivations,
): Promise<string> {
  if (experiment_id !== undefined) return experiment_id;
  const [only = '', ...others] = await store.experiments();
  if (others.length === 0) return only;
  throw new UsageError({
    code: 'METALAB_WHICH_EXPERIMENT',
    where: file,
    what: 'declares no experiment, and the store has several',
    expected: `one of ${[only, ...others].join(', ')}`,
    next: 'name it behind the file',
  });
}

/** From now on, the metrics of this code count. */
async function apply(
  folder: string,
  { derived }: DeclaredDerivations,
  before: ReadonlyMap<string, string>,
): Promise<void> {
  await mkdir(derivedFolder(folder), { recursive: true });
  for (const [name, { ref, code_fingerprint }] of Object.entries(derived)) {
    if (before.get(name) === code_fingerprint) continue;
    const applied: AppliedDerivation = { name, ref, code_fingerprint, applied_at: new Date().toISOString() };
    await writeAtomically(derivationFile(folder, name), `${JSON.stringify(applied, undefined, 2)}\n`);
  }
}

/** The slots of later submissions learn which names are taken. */
async function noteMetrics(
  folder: string,
  { derived }: DeclaredDerivations,
  owners: ReadonlyMap<string, string>,
): Promise<void> {
  for (const name of Object.keys(derived)) {
    const path = derivationFile(folder, name);
    const applied = await readJson<AppliedDerivation>(path);
    const metrics = [...owners].flatMap(([metric, owner]) => (owner === name ? [metric] : [])).sort();
    if (!applied || isDeepStrictEqual(applied.metrics ?? [], metrics)) continue;
    await writeAtomically(path, `${JSON.stringify({ ...applied, metrics }, undefined, 2)}\n`);
  }
}

async function compute(
  underived: Underived,
  { code, native, derived, cwd }: DeclaredDerivations,
  folder: string,
  options: DeriveOptions,
): Promise<Derived> {
  const place = join(temporaryFolder(), `${TEMPORARY}${temporaryName()}`);
  await mkdir(place, { mode: 0o700 });
  try {
    const bundle = join(place, 'derivations.mjs');
    await writeFile(bundle, code);
    const codes = Object.fromEntries(
      Object.entries(derived).map(([name, { code_fingerprint }]) => [name, code_fingerprint]),
    );
    const owners = [...underived.owners];
    return await derive(
      underived,
      { folder, bundle, native, codes, owners, limit_ms: LIMIT_MS },
      cwd,
      options,
    );
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
