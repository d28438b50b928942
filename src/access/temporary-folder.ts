import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { formatFolderFault, type OwnFolder, openingsForNewIn, refuseOpenings } from './private-folder.js';

export const temporaryFolderChoice = (): OwnFolder => ({ path: tmpdir(), variable: 'TMPDIR' });

let known: string | undefined;

/**
 * Where temporary files go.
 *
 * @throws InfrastructureError if it is missing, can't be written, or other users can replace what is in it
 */
export function temporaryFolder(): string {
  const choice = temporaryFolderChoice();
  if (known !== choice.path) checkTemporaryFolder(choice);
  known = choice.path;
  return choice.path;
}

export function checkTemporaryFolder(choice: OwnFolder): void {
  try {
    if (!statSync(choice.path).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    accessSync(choice.path, constants.W_OK | constants.X_OK);
    // Everybody may write to /tmp: there, the sticky bit keeps users from replacing other users' files.
    refuseOpenings(choice, openingsForNewIn(choice.path));
  } catch (error) {
    throw formatFolderFault(error, choice);
  }
}
