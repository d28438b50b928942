import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  artifactsFolder,
  bundleFolder,
  declarationFile,
  submissionFolder,
} from '../../storage/file/layout.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import type { Store } from '../../storage/store.js';

/** Removes the temporary files of slots, workers and clients that were killed while they wrote to the store. */
export async function tidyKilled(store: Store, folder: string, submission: string): Promise<void> {
  const bundles = bundleFolder(folder, '');
  const folders = [
    store.root,
    folder,
    dirname(declarationFile(folder, '')),
    ...(await readdir(bundles).catch(() => [])).map((name) => join(bundles, name)),
    submissionFolder(folder, submission),
    artifactsFolder(folder),
  ];
  for (const each of folders) await removeOrphans(each, '.');
}
