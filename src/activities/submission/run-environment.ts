import { readFile } from 'node:fs/promises';
import { pickEnvironment } from '../../definition/run-environment.js';
import { environmentFile } from '../../storage/file/layout.js';

export type RunEnvironment = Record<string, string>;

/** What a submission's runs see where its own file is gone. */
export const pickOwnEnvironment = (): RunEnvironment => pickEnvironment(process.env, []);

/** @returns undefined where there is none */
export const readEnvironmentFile = (folder: string, submission: string): Promise<string | undefined> =>
  readFile(environmentFile(folder, submission), 'utf8').catch(() => undefined);

/** @returns undefined where it is no JSON, as where its writer was killed */
export function parseEnvironment(text: string): RunEnvironment | undefined {
  try {
    return JSON.parse(text) as RunEnvironment;
  } catch {
    return undefined;
  }
}
