import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InfrastructureError, UsageError } from '../definition/errors.js';
import { BASE_FILE, LOCAL_FILE } from './find-files.js';

/**
 * Writes the starter.
 *
 * @returns the file, and whether .gitignore has a new line
 * @throws UsageError METALAB_CONFIG_EXISTS; InfrastructureError if the folder can't be written
 */
export async function initProject(folder: string): Promise<{ file: string; ignored: boolean }> {
  try {
    await writeFile(join(folder, BASE_FILE), starterText(basename(folder) || 'lab'), { flag: 'wx' });
  } catch (error) {
    throw unwritten(folder, error as NodeJS.ErrnoException);
  }
  return { file: BASE_FILE, ignored: await ignoreLocalFile(join(folder, '.gitignore')) };
}

function unwritten(folder: string, error: NodeJS.ErrnoException): Error {
  const where = join(folder, BASE_FILE);
  if (error.code !== 'EEXIST')
    return new InfrastructureError(
      { code: 'METALAB_CONFIG_UNWRITABLE', where, what: `can't be written: ${error.message}` },
      { cause: error },
    );
  return new UsageError({
    code: 'METALAB_CONFIG_EXISTS',
    where,
    what: 'is there already',
    next: 'edit it; metalab env list shows what it says',
  });
}

async function ignoreLocalFile(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined || text.split(/\r?\n/).some((line) => line.trim().replace(/^\//, '') === LOCAL_FILE))
    return false;
  await appendFile(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${LOCAL_FILE}\n`);
  return true;
}

/** The file that `metalab init` writes: every setting, as a comment except those needed to start. */
export function starterText(projectName: string): string {
  return `# metalab's configuration of this project. Found from here and from every folder below.
# What is yours or this machine's alone (logins, keys, another default) belongs in .metalab.local.toml beside it, which is
# merged over this file; keep that one out of git. metalab env show NAME says what an environment comes to, and why.

[project]
name = ${JSON.stringify(projectName)}
# The environment that is used where neither --env nor METALAB_ENV names one.
default_env = "local"

# This machine.
[environments.local]
type = "local"
# A folder relative to this file, an absolute one, or a uri. Default: ./experiments where metalab is called.
store = "experiments"

[environments.local.executor]
# Runs at once. Default: as many as there are cores.
# slots = 4

# A Slurm cluster. Take the comment signs away, mend what differs, and try: metalab env check cluster
# [environments.cluster]
# type = "slurm"
# A folder on the cluster's shared filesystem; ~ is your home there.
# file_root = "~/metalab"
# A host or an alias of ~/.ssh/config. Leave it out where sbatch is on this machine.
# gateway = "login.cluster.example"
# user = "me"
# port = 22
# ssh_key = "~/.ssh/id_ed25519"
# jump_hosts = ["me@bastion.example"]
#
# [environments.cluster.executor]
# partition = "short"
# account = "my-project"
# qos = "normal"
# time = "2h"              # of a task: also "01:30:00", "1-12:00:00"
# cpus = 1
# memory = "4G"
# gpus = 1                 # or "a100:1"
# constraint = "avx512"
# max_concurrent = 100     # tasks at once
# chunk_size = 10          # runs of a task; default: as many as its time limit allows
# max_array_size = 100     # tasks of an array; default: 1000, or the cluster's limit
# modules = ["nodejs/20"]
# conda_env = "lab"
# Shell lines that every task runs first. They are kept in the store, where others may read them: no passwords, no tokens.
# setup = ["export OMP_NUM_THREADS=1"]
# extra_sbatch = ["--nice=100"]
# mail_user = "me@example.org"
# mail_type = "END,FAIL"
# escalate = { memory = 2.0, time = 2.0, max = 2 }   # for tasks that were killed for the want of it
`;
}
