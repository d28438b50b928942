// The commands that only tests use.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { canInstallPackages, installPackages } from './debian-packages.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Command → Debian's package of it. Full disks are made of small tmpfs mounts, and clocks that jump by a library: both
 * only on Linux. tcsh and fish are login shells that quote otherwise than sh.
 * strace has the kernel refuse hard links.
 */
const NEEDED = {
  git: 'git',
  jq: 'jq',
  tmux: 'tmux',
  zstd: 'zstd',
  openssl: 'openssl',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  'ssh-agent': 'openssh-client',
  ...(process.platform === 'linux'
    ? {
        unshare: 'util-linux',
        mount: 'mount',
        faketime: 'faketime',
        tcsh: 'tcsh',
        fish: 'fish',
        strace: 'strace',
      }
    : {}),
};

export const isDone = () => missing().length === 0;

export function run() {
  const packages = [...new Set(missing().map((command) => NEEDED[command]))];
  if (!canInstallPackages()) {
    throw new SetupError(
      `the tests need ${missing().join(' and ')}\n  next: install ${packages.join(' ')} with your package manager (Debian: sudo apt-get install ${packages.join(' ')})`,
    );
  }
  console.error(`installing ${packages.join(', ')} for the tests (apt-get) …`);
  installPackages(packages);
  if (missing().length > 0)
    throw new SetupError(
      `apt-get installed ${packages.join(' ')}, but ${missing().join(' and ')} is still missing`,
    );
}

const missing = () => Object.keys(NEEDED).filter((command) => !isOnPath(command));

function isOnPath(command) {
  // Servers are in a folder that only root has in its PATH.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
