import type { TypeScriptOperation } from '../../definition/declaration.js';
import { MetalabError } from '../../definition/errors.js';
import { isOperation } from '../../definition/operation.js';
import { connect, run } from '../../operation/no-client.js';
import * as api from '../../operation/public.js';
import { importBundle } from '../../operation/typescript/import-bundle.js';
import { bundleFile } from '../../storage/file/layout.js';
import { readSubmissionFile } from '../../storage/file/submission-file.js';
import type { StartHost } from './operation-host.js';

/**
 * Executes runs as function calls in the slot's own process.
 *
 * @throws StoreError if the bundle is missing or damaged; whatever the user's modules throw when they are imported
 */
export const startTypeScriptHost: StartHost<TypeScriptOperation> = async (folder, declared) => {
  const { bundle, native, ref } = declared;
  const file = bundleFile(folder, bundle);
  await readSubmissionFile(file, bundle);
  const { default: operation, derived } = await importBundle(file, native, { ...api, connect, run });
  if (!isOperation(operation)) {
    throw new MetalabError({
      code: 'METALAB_BUNDLE',
      where: file,
      what: `the bundle of ${ref} exports no operation`,
      next: 'submit the experiment again',
    });
  }
  return { run: (run) => operation.run(run.args), stop: () => {}, ...(derived ? { derived } : {}) };
};
