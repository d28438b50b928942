import { existsSync } from 'node:fs';
import { outcomeFile, submissionFolder } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import { StateFile } from './state-file.js';

/**
 * The id of the spool that has arrays of an experiment's unfinished submissions; undefined if there are none, and so
 * nothing to miss.
 *
 * @param folder the experiment's folder in the store
 */
export async function knownSpool(
  folder: string,
  { place, file_root }: { readonly place: string; readonly file_root: string },
): Promise<string | undefined> {
  for (const submission of await listNames(submissionFolder(folder, ''))) {
    if (existsSync(outcomeFile(folder, submission))) continue;
    const { spool } = await new StateFile(folder, submission).read();
    if (spool?.place === place && spool.file_root === file_root) return spool.id;
  }
  return undefined;
}
