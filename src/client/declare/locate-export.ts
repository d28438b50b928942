import { relative } from 'node:path';
import { type Derivation, isDerivation } from '../../definition/derivation.js';
import { DefinitionError } from '../../definition/errors.js';
import type { AnyOperation } from '../../definition/operation.js';

/** What slots import by its exported name. */
export type Exported = AnyOperation | Derivation;

export interface ExportLocation {
  readonly file: string;
  readonly exportName: string;
}

/**
 * Finds the module that exports an operation or derivation. The experiment's own file is preferred, then the first in path order, so
 * that a re-export elsewhere changes nothing.
 *
 * @param modules namespaces of the user's modules, by absolute path
 */
export function locateExport(
  exported: Exported,
  modules: ReadonlyMap<string, { readonly [name: string]: unknown }>,
  experimentFile: string,
): ExportLocation {
  const found = findExport(exported, modules, experimentFile);
  if (found) return found;
  throw notExported(exported, experimentFile);
}

/** As {@link locateExport}; undefined if none of the modules exports it. */
export function findExport(
  exported: Exported,
  modules: ReadonlyMap<string, { readonly [name: string]: unknown }>,
  experimentFile: string,
): ExportLocation | undefined {
  const files = [...modules.keys()].sort();
  for (const file of [experimentFile, ...files.filter((other) => other !== experimentFile)]) {
    const names = Object.entries(modules.get(file) ?? {})
      .filter(([, value]) => value === exported)
      .map(([name]) => name);
    const exportName = names.find((name) => name !== 'default') ?? names[0];
    if (exportName !== undefined) return { file, exportName };
  }
  return undefined;
}

export function notExported(exported: Exported, experimentFile: string): DefinitionError {
  const [what, example] = isDerivation(exported)
    ? ['derivation', 'export const gap = derive(…)']
    : ['operation', 'export const myOperation = operation(…)'];
  return new DefinitionError(
    [
      {
        where: `${relative(process.cwd(), experimentFile) || experimentFile}: ${what}`,
        what: `the ${what} is not exported by any module`,
        expected: example,
        next: `write \`export\` before it: slots import the ${what} by its exported name, and nothing else`,
      },
    ],
    isDerivation(exported) ? 'METALAB_DERIVATION_NOT_EXPORTED' : 'METALAB_OPERATION_NOT_EXPORTED',
  );
}
