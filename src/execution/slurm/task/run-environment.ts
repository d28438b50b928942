import { readFile } from 'node:fs/promises';
import { StoreError } from '../../../definition/errors.js';
import { DEVICE_VARIABLES } from '../../../definition/run-environment.js';
import { environmentFile } from '../../../storage/file/layout.js';

/** The submitter's values would point nowhere here, or to devices of other jobs. */
const OF_THE_CLUSTER: readonly string[] = ['PATH', 'HOME', 'TMPDIR', ...DEVICE_VARIABLES];

/**
 * The environment that runs see on a node: the task's own, as Slurm, modules, conda and the set-up lines made it,
 * overridden by the submitter's values of the variables that the experiment names.
 *
 * @param names the experiment's `env`
 * @throws StoreError if their values are gone: runs would see others, or none
 */
export async function taskRunEnvironment(
  own: { readonly [name: string]: string | undefined },
  experiment: string,
  submission: string,
  names: readonly string[],
): Promise<Record<string, string>> {
  const values = { ...own };
  if (names.length > 0) {
    const submitted = await readValues(environmentFile(experiment, submission));
    for (const name of names) if (!OF_THE_CLUSTER.includes(name)) values[name] = submitted[name];
  }
  const entries = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

async function readValues(path: string): Promise<{ readonly [name: string]: string | undefined }> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { [name: string]: string };
  } catch (error) {
    throw new StoreError(
      {
        code: 'METALAB_SUBMISSION_ENV',
        where: path,
        what: `the values of the experiment's environment variables can't be read: ${(error as Error).message}`,
        next: 'submit the experiment again',
      },
      { cause: error },
    );
  }
}
