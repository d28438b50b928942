import { readFile } from 'node:fs/promises';
import { pickEnvironment } from '../definition/run-environment.js';
import { environmentFile } from '../storage/file/layout.js';

/** The environment that a submission's runs see: the submitter's, from its file. Where that is gone, this worker's own. */
export async function readRunEnvironment(
  folder: string,
  submission: string,
): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(environmentFile(folder, submission), 'utf8')) as Record<string, string>;
  } catch {
    return pickEnvironment(process.env, []);
  }
}
