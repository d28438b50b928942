import { InfrastructureError } from '../../../definition/errors.js';
import type { Transport } from '../../../transport/transport.js';
import { FILE_ROOT_NEXT } from '../check.js';
import type { AskCluster } from '../cluster-retry.js';
import { parseOpened } from './spool.js';

const UNUSABLE = 74;

// dash's `cd` gives no reason, `ls` does. A folder without store.json has no files of metalab.
const FIND_SPOOL = `LC_ALL=C; export LC_ALL
cd || exit ${UNUSABLE}
ls -d -- "$1/." > /dev/null && cd "$1" || exit ${UNUSABLE}
[ -e store.json ] || { echo empty; exit 0; }
tr -d '\\n' < store.json || exit ${UNUSABLE}
echo
pwd -P`;

/** Where a spool is, and its store id. */
export interface FoundSpool {
  readonly root: string;
  readonly id: string;
}

/**
 * Finds a spool without creating one. It does not wait for the cluster: somebody is at the terminal.
 *
 * @returns undefined if the folder exists and has no files of metalab
 * @throws InfrastructureError METALAB_FILE_ROOT if it can't be used
 */
export async function findSpool(
  transport: Transport,
  ask: AskCluster,
  fileRoot: string,
): Promise<FoundSpool | undefined> {
  const command = ['sh', '-c', FIND_SPOOL, 'metalab', fileRoot];
  const { exitCode, stdout, stderr } = await ask(command, { isAnswer: ({ exitCode }) => exitCode !== null });
  if (exitCode === 0 && stdout === 'empty\n') return undefined;
  const found = exitCode === 0 ? parseOpened(stdout) : undefined;
  if (found) return found;
  throw new InfrastructureError({
    code: 'METALAB_FILE_ROOT',
    where: `${transport.place}: file_root ${fileRoot}`,
    what: exitCode === 0 ? "its store.json can't be read" : stderr.trim().replace(/^ls: /, ''),
    next: FILE_ROOT_NEXT,
  });
}
