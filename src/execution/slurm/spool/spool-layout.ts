import { posix } from 'node:path';
import { folderOf } from '../../../storage/file/layout.js';

const { join } = posix;

/** Where everything is in the spool that no task looks for (see task/array-files.ts). Paths of the cluster's. */
export const experimentFolderIn = (root: string, experimentId: string) => join(root, folderOf(experimentId));
/** `file_root` as commands that start in the login's home take it. */
export const homeRelative = (fileRoot: string) => fileRoot.replace(/^~(?:\/|$)/, '') || '.';
export const runtimeFolder = (root: string, sha: string) => join(root, 'runtime', sha);
export const filePlace = (sha: string) => join('files', sha);
export const batchScriptFile = (array: string) => join(array, 'batch.sh');
/** `%a` is the task's number to Slurm; a `%` of the path's own is doubled. */
export const outputPattern = (array: string) => `${array.replaceAll('%', '%%')}/slurm-%a.out`;
