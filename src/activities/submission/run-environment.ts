import { readFile } from 'node:fs/promises';
import { pickEnvironment } from '../../definition/run-environment.js';
import { faultCode, storeFault } from '../../storage/file/faults.js';
import { environmentFile } from '../../storage/file/layout.js';

export type RunEnvironment = Record<string, string>;

/** The environment of a submission's runs if its own file is gone. */
export const pickOwnEnvironment = (): RunEnvironment => pickEnvironment(process.env, []);

/** The file is gone, or belongs to another user: then a worker of that user executes the runs that need it. */
const UNAVAILABLE = new Set(['ENOENT', 'EACCES']);

/** @returns undefined if there is none that this user may read */
export async function readEnvironmentFile(folder: string, submission: string): Promise<string | undefined> {
  const path = environmentFile(folder, submission);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (UNAVAILABLE.has(faultCode(error) ?? '')) return undefined;
    throw storeFault(error, path);
  }
}

/** @returns undefined if it is not JSON, for example because its writer was killed */
export function parseEnvironment(text: string): RunEnvironment | undefined {
  try {
    return JSON.parse(text) as RunEnvironment;
  } catch {
    return undefined;
  }
}
