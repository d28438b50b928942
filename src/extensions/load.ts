import { pathToFileURL } from 'node:url';
import { describeError, UsageError } from '../definition/errors.js';
import type { Extension } from './installed.js';

const SINGULAR = {
  environments: 'environment type',
  executors: 'executor',
  services: 'service',
  stores: 'store',
} as const;

/**
 * The default export of an extension's module.
 *
 * @throws UsageError METALAB_EXTENSION if it can't be imported, or exports no default
 */
export async function loadExtension(extension: Extension): Promise<unknown> {
  const { kind, name, module } = extension;
  const refuse = (what: string, cause?: unknown) =>
    new UsageError(
      {
        code: 'METALAB_EXTENSION',
        where: `package ${extension.package}`,
        what: `its ${SINGULAR[kind]} '${name}' ${what}`,
        expected: `${module}, a module with a default export`,
        next: `reinstall the package, or ask its author; its package.json names the module under "metalab"`,
      },
      { cause },
    );
  let namespace: { readonly default?: unknown };
  try {
    namespace = await import(pathToFileURL(module).href);
  } catch (error) {
    const { type, message } = describeError(error);
    throw refuse(`can't be imported: ${type}: ${message.split('\n')[0]}`, error);
  }
  if (namespace.default === undefined) throw refuse('has no default export');
  return namespace.default;
}
