import { StoreError } from '../../../definition/errors.js';
import { readJson } from '../read-json.js';
import type { Finding } from './finding.js';
import { moveToQuarantine } from './quarantine.js';

/** Reads a manifest; one that is no JSON object is a finding, and gives undefined as one that is not there. */
export async function* checkJson<T extends object>(
  folder: string,
  path: string,
  { costs, remedy }: Pick<Finding, 'costs' | 'remedy'>,
): AsyncGenerator<Finding, T | undefined> {
  let what = 'is no JSON object';
  try {
    const value = await readJson<T>(path);
    if (value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value)))
      return value;
  } catch (error) {
    what = whatIsWrong(path)(error);
  }
  yield {
    severity: 'error',
    kind: 'manifest-damaged',
    path,
    what,
    costs,
    remedy,
    repair: { run: async () => `moved to ${await moveToQuarantine(folder, path)}` },
  };
  return undefined;
}

/** What a StoreError says of the file. */
export const whatIsWrong =
  (path: string) =>
  (error: unknown): string => {
    if (!(error instanceof StoreError)) throw error;
    return error.message.split('\n', 1)[0]!.replace(`${path}: `, '');
  };
