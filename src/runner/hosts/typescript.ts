import { register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TypeScriptOperation } from '../../definition/declaration.js';
import { MetalabError } from '../../definition/errors.js';
import { type AnyOperation, isOperation } from '../../definition/operation.js';
import * as api from '../../operation/public.js';
import { bundleFile } from '../../storage/file/layout.js';
import { readSubmissionFile } from '../../storage/file/submission-file.js';
import { connect, run } from '../no-client.js';
import type { StartHost } from '../operation-host.js';

const RUNTIME = Symbol.for('metalab.runtime');

/** Executes runs as function calls in the slot's own process. */
export const startTypeScriptHost: StartHost<TypeScriptOperation> = async (folder, declared) => {
  const operation = await importOperation(folder, declared);
  return { run: (run) => operation.run(run.args), stop: () => {} };
};

/**
 * Imports a submission's operation from its bundle. The bundle gets metalab's public API from a global symbol.
 *
 * @throws StoreError if the bundle is missing or damaged; whatever the user's modules throw when they are imported
 */
async function importOperation(
  folder: string,
  { bundle, native, ref }: TypeScriptOperation,
): Promise<AnyOperation> {
  (globalThis as { [RUNTIME]?: unknown })[RUNTIME] = { ...api, connect, run };
  if (native.length > 0) resolveFrom(process.cwd(), native);
  const file = bundleFile(folder, bundle);
  await readSubmissionFile(file, bundle);
  const { default: operation } = (await import(pathToFileURL(file).href)) as { default?: unknown };
  if (!isOperation(operation)) {
    throw new MetalabError({
      code: 'METALAB_BUNDLE',
      where: file,
      what: `the bundle of ${ref} exports no operation`,
      next: 'submit the experiment again',
    });
  }
  return operation;
}

/** Packages with native code are not in the bundle: they are resolved from the experiment's folder. */
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
