import { readFile } from 'node:fs/promises';
import { pickEnvironment } from '../../definition/run-environment.js';
import { environmentFile } from '../../storage/file/layout.js';

export type RunEnvironment = Record<string, string>;

/** The environment of a submission's runs if its own file is gone. */
export const pickOwnEnvironment = (): RunEnvironment => pickEnvironment(process.env, []);

/** @returns undefined if there is none */
export const readEnvironmentFile = (folder: string, submission: string): Promise<string | undefined> =>
  readFile(environmentFile(folder, submission), 'utf8').catch(() => undefined);

/** @returns undefined if it is not JSON, for example because its writer was killed */
export function parseEnvironment(text: string): RunEnvironment | undefined {
  try {
    return JSON.parse(text) as RunEnvironment;
  } catch {
    return undefined;
  }
}
