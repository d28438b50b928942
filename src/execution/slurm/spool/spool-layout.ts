import { posix } from 'node:path';
import { folderOf } from '../../../storage/file/layout.js';

const { join } = posix;

/** Where files are in the spool that no task reads (see task/array-files.ts). Paths on the cluster. */
export const experimentFolderIn = (root: string, experimentId: string) => join(root, folderOf(experimentId));
export const runtimeFolder = (root: string, sha: string) => join(root, 'runtime', sha);
export const filePlace = (sha: string) => join('files', sha);
export const batchScriptFile = (array: string) => join(array, 'batch.sh');
/** `%a` is Slurm's pattern for the task's number; a `%` in the path itself is doubled. */
export const outputPattern = (array: string) => `${array.replaceAll('%', '%%')}/slurm-%a.out`;
