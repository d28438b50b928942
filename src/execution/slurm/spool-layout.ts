import { posix } from 'node:path';

const { join } = posix;

/** Where everything is in the spool that no task looks for (see task/array-files.ts). Paths of the cluster's. */
export const runtimeFolder = (root: string, sha: string) => join(root, 'runtime', sha);
export const filePlace = (sha: string) => join('files', sha);
export const batchScriptFile = (array: string) => join(array, 'batch.sh');
/** `%a` is the task's number to Slurm; a `%` of the path's own is doubled. */
export const outputPattern = (array: string) => `${array.replaceAll('%', '%%')}/slurm-%a.out`;
