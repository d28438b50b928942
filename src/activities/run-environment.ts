import { readFile } from 'node:fs/promises';
import { pickEnvironment } from '../definition/run-environment.js';
import { environmentFile } from '../storage/file/layout.js';

/**
 * The environment that a submission's runs see: the submitter's, from its file. Where that is gone and the experiment names
 * no variables, this worker's own does as well.
 *
 * @param names the variables that the experiment names
 * @returns undefined where their values are gone: runs would see others, or none
 */
export async function readRunEnvironment(
  folder: string,
  submission: string,
  names: readonly string[],
): Promise<Record<string, string> | undefined> {
  try {
    return JSON.parse(await readFile(environmentFile(folder, submission), 'utf8')) as Record<string, string>;
  } catch {
    return names.length > 0 ? undefined : pickEnvironment(process.env, []);
  }
}
