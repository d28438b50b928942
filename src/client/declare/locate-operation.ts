import { relative } from 'node:path';
import { DefinitionError } from '../../definition/errors.js';
import type { AnyOperation } from '../../definition/operation.js';

export interface OperationLocation {
  readonly file: string;
  readonly exportName: string;
}

/**
 * Finds the module that exports an operation. The experiment's own file is preferred, then the first in path order, so
 * that a re-export elsewhere changes nothing.
 *
 * @param modules namespaces of the user's modules, by absolute path
 */
export function locateOperation(
  operation: AnyOperation,
  modules: ReadonlyMap<string, { readonly [name: string]: unknown }>,
  experimentFile: string,
): OperationLocation {
  const found = findOperation(operation, modules, experimentFile);
  if (found) return found;
  throw notExported(experimentFile);
}

/** As {@link locateOperation}; undefined if none of the modules exports it. */
export function findOperation(
  operation: AnyOperation,
  modules: ReadonlyMap<string, { readonly [name: string]: unknown }>,
  experimentFile: string,
): OperationLocation | undefined {
  const files = [...modules.keys()].sort();
  for (const file of [experimentFile, ...files.filter((other) => other !== experimentFile)]) {
    const names = Object.entries(modules.get(file) ?? {})
      .filter(([, value]) => value === operation)
      .map(([name]) => name);
    const exportName = names.find((name) => name !== 'default') ?? names[0];
    if (exportName !== undefined) return { file, exportName };
  }
  return undefined;
}

export const notExported = (experimentFile: string) =>
  new DefinitionError(
    [
      {
        where: `${relative(process.cwd(), experimentFile) || experimentFile}: operation`,
        what: 'the operation is not exported by any module',
        expected: 'export const myOperation = operation(…)',
        next: 'write `export` before it: slots import the operation by its exported name, and nothing else',
      },
    ],
    'METALAB_OPERATION_NOT_EXPORTED',
  );
