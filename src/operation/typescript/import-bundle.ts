import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Derivation } from '../../definition/derivation.js';

const RUNTIME = Symbol.for('metalab.runtime');

/** What a bundle exports. */
export interface ImportedBundle {
  readonly default?: unknown;
  readonly derived?: { readonly [name: string]: Derivation };
}

/**
 * Imports the code of a submission, or of derivations, from its bundle.
 *
 * @param native packages with native code, which are not in the bundle
 * @param api what `metalab` exports to it
 * @throws whatever the user's modules throw when they are imported
 */
export async function importBundle(
  file: string,
  native: readonly string[],
  api: object,
): Promise<ImportedBundle> {
  (globalThis as { [RUNTIME]?: unknown })[RUNTIME] = api;
  if (native.length > 0) resolveFrom(process.cwd(), native);
  return (await import(pathToFileURL(file).href)) as ImportedBundle;
}

/** Packages with native code are resolved from the experiment's folder. */
function resolveFrom(folder: string, packages: readonly string[]): void {
  const hook = `
    let names, parent;
    export function initialize(data) { ({ names, parent } = data); }
    export function resolve(specifier, context, next) {
      const ours = names.some((name) => specifier === name || specifier.startsWith(name + '/'));
      return next(specifier, ours ? { ...context, parentURL: parent } : context);
    }`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`, {
    data: { names: packages, parent: pathToFileURL(join(folder, 'experiment.js')).href },
  });
}
