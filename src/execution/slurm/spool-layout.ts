import { posix } from 'node:path';

const { join } = posix;

/** Where everything is in the spool, beside what an experiment's folder has as in a file store. Paths of the cluster's. */
export const runtimeFolder = (root: string, sha: string) => join(root, 'runtime', sha);
export const filePlace = (sha: string) => join('files', sha);
export const arraysFolder = (folder: string, submission: string) =>
  join(folder, 'submissions', submission, 'arrays');
export const arrayFolder = (folder: string, submission: string, token: string) =>
  join(arraysFolder(folder, submission), token);
export const arraySpecFile = (array: string) => join(array, 'array.json');
export const batchScriptFile = (array: string) => join(array, 'batch.sh');
export const yieldFile = (array: string) => join(array, 'yield');
export const cancelFile = (array: string) => join(array, 'cancel');
/** `%a` is the task's number to Slurm; a `%` of the path's own is doubled. */
export const outputPattern = (array: string) => `${array.replaceAll('%', '%%')}/slurm-%a.out`;
