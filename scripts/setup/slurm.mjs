// A Slurm cluster and an SSH server, for the rig of the tests (test/rig/): Debian has both.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { canInstallPackages, installPackages } from './debian-packages.mjs';
import { withoutStartingServices } from './debian-services.mjs';
import { SetupError } from './setup-error.mjs';

/** Program → Debian's package of it. */
const NEEDED = {
  slurmctld: 'slurm-wlm',
  slurmd: 'slurm-wlm',
  sbatch: 'slurm-wlm',
  sacctmgr: 'slurm-wlm',
  slurmdbd: 'slurmdbd',
  mariadbd: 'mariadb-server',
  munged: 'munge',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
};

/** Servers are not in everybody's PATH. */
const FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

export const isDone = () => missing().length === 0;

export function run() {
  const packages = [...new Set(missing().map((program) => NEEDED[program]))];
  if (!canInstallPackages())
    throw new SetupError(
      `the tests' Slurm cluster needs ${missing().join(', ')}\n  next: install ${packages.join(' ')} (Debian: sudo apt-get install ${packages.join(' ')}); or run only other tests: npx vitest run test/cli`,
    );
  console.error(`installing ${packages.join(', ')} for the tests (apt-get, about a minute) …`);
  withoutStartingServices(() => installPackages(packages));
  if (missing().length > 0)
    throw new SetupError(
      `apt-get installed ${packages.join(' ')}, but ${missing().join(' and ')} is still missing`,
    );
}

const missing = () => Object.keys(NEEDED).filter((program) => !isInstalled(program));

const isInstalled = (program) =>
  FOLDERS.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
