import { dirname, relative } from 'node:path';
import type { DerivationDeclaration } from '../../definition/declaration.js';
import { type Derivation, isDerivation } from '../../definition/derivation.js';
import { DefinitionError } from '../../definition/errors.js';
import { isExperiment } from '../../definition/experiment.js';
import { codeClosure } from '../../identity/code/closure.js';
import { executionBundle } from '../../identity/code/execution-bundle.js';
import { checkDerivationName } from './check-fields.js';
import { findExperiment } from './find-experiment.js';
import type { Exported, ExportLocation } from './locate-export.js';

/** Derivations of a file as data, with the bundle that has their code. */
export interface DeclaredDerivations {
  /** The experiment that the file declares, `name:version`; undefined if it declares none. */
  readonly experiment_id: string | undefined;
  readonly derived: { readonly [name: string]: DerivationDeclaration };
  readonly code: string;
  readonly native: readonly string[];
  /** The file's folder: the working directory of derivations. */
  readonly cwd: string;
}

type Located = { readonly [name: string]: ExportLocation };

/** Finds where each derivation is exported. */
export async function locateDerivations(
  derived: { readonly [name: string]: Derivation },
  locate: (exported: Exported) => ExportLocation | Promise<ExportLocation>,
): Promise<Located> {
  const located: [string, ExportLocation][] = [];
  for (const [name, derivation] of Object.entries(derived)) located.push([name, await locate(derivation)]);
  return Object.fromEntries(located);
}

/**
 * The derivations as data, with the fingerprint of each one's own code.
 *
 * @param base the folder that paths are relative to
 */
export async function declareDerivations(
  located: Located,
  base: string,
): Promise<{ readonly [name: string]: DerivationDeclaration }> {
  const declared = await Promise.all(
    Object.entries(located).map(async ([name, { file, exportName }]) => {
      const { fingerprint } = await codeClosure({ file, exportName, base });
      return [name, { ref: `${relative(base, file)}#${exportName}`, code_fingerprint: fingerprint }] as const;
    }),
  );
  return Object.fromEntries(declared);
}

/**
 * The derivations that a file exports, by the names of the exports, or by those that its experiment gives them.
 *
 * @param name of the experiment, if the file declares several
 * @throws DefinitionError if there are none; UsageError if the choice of the experiment is not clear
 */
export async function declareDerivationsOf(
  file: string,
  exports: { readonly [name: string]: unknown },
  name: string | undefined,
  locate: (exported: Exported) => ExportLocation | Promise<ExportLocation>,
): Promise<DeclaredDerivations> {
  const declaresOne = name !== undefined || Object.values(exports).some(isExperiment);
  const experiment = declaresOne ? findExperiment(file, exports, name) : undefined;
  const derived = new Map<string, Derivation>(Object.entries(experiment?.derived ?? {}));
  for (const [exported, value] of Object.entries(exports))
    if (isDerivation(value) && ![...derived.values()].includes(value)) derived.set(exported, value);
  if (derived.size === 0) throw noDerivations(file);
  const problems = [...derived.keys()].flatMap((key) => checkDerivationName(key, `the export '${key}'`));
  if (problems.length > 0) throw new DefinitionError(problems);
  const located = await locateDerivations(Object.fromEntries(derived), locate);
  const cwd = dirname(file);
  const [declared, { code, native }] = await Promise.all([
    declareDerivations(located, cwd),
    executionBundle({ derived: located }),
  ]);
  const experiment_id = experiment && `${experiment.name}:${experiment.version}`;
  return { experiment_id, derived: declared, code, native, cwd };
}

const noDerivations = (file: string) =>
  new DefinitionError(
    [
      {
        where: file,
        what: 'exports no derivation',
        expected: 'export const gap = derive((run) => ({ gap: run.metrics.a - run.metrics.b }))',
      },
    ],
    'METALAB_NO_DERIVATION',
  );
