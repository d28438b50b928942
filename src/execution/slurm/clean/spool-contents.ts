import { InfrastructureError } from '../../../definition/errors.js';
import { experimentIdOf } from '../../../storage/file/layout.js';
import type { Transport } from '../../transport/transport.js';
import type { AskCluster } from '../ask.js';
import { FILE_ROOT_NEXT } from '../check.js';
import { parseOpened } from '../spool.js';
import { homeRelative } from '../spool-layout.js';

/** Adding up a large spool's files takes a network filesystem minutes. */
const SIZES_MS = 600_000;
const UNUSABLE = 74;

// `cd` of dash gives no reason, `ls` does. Where there is no store.json, nothing of metalab's is there.
const FIND_SPOOL = `LC_ALL=C; export LC_ALL
cd || exit ${UNUSABLE}
ls -d -- "$1/." > /dev/null && cd "$1" || exit ${UNUSABLE}
[ -e store.json ] || { echo empty; exit 0; }
tr -d '\\n' < store.json || exit ${UNUSABLE}
echo
pwd -P`;

const EXPERIMENTS = `cd "$1" || exit 74
for d in *@*; do [ ! -d "$d" ] || du -sk -- "$d" || exit 1; done
exit 0`;

/** Where a spool is, and its store id. */
export interface FoundSpool {
  readonly root: string;
  readonly id: string;
}

/**
 * Finds a spool without making one. Nothing is waited for: somebody is at the terminal.
 *
 * @returns undefined where the folder is there and has nothing of metalab's
 * @throws InfrastructureError METALAB_FILE_ROOT where it can't be used
 */
export async function findSpool(
  transport: Transport,
  ask: AskCluster,
  fileRoot: string,
): Promise<FoundSpool | undefined> {
  const command = ['sh', '-c', FIND_SPOOL, 'metalab', homeRelative(fileRoot)];
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

export interface SpoolExperiment {
  readonly experiment_id: string;
  readonly size_bytes: number;
}

export async function listExperiments(ask: AskCluster, root: string): Promise<SpoolExperiment[]> {
  const { stdout } = await ask(['sh', '-c', EXPERIMENTS, 'metalab', root], { timeout_ms: SIZES_MS });
  return [...stdout.matchAll(/^(\d+)\t(.+)$/gm)].map(([, kibibytes, name]) => ({
    experiment_id: experimentIdOf(name!),
    size_bytes: Number(kibibytes) * 1024,
  }));
}
