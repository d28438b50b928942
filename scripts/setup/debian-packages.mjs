// @ts-check
import { existsSync } from 'node:fs';
import { runCommand } from './run-command.mjs';

/** Whether set-up may install packages here: Debian or a child of it, as root. */
export const canInstallPackages = () => existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;

/** For another installation on this machine, in seconds. */
const WAITING = ['-o', 'DPkg::Lock::Timeout=600'];

/** @param {readonly string[]} packages */
export function installPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  runCommand('apt-get', ['update', '-qq'], { env });
  runCommand('apt-get', [...WAITING, 'install', '-y', '-qq', '--no-install-recommends', ...packages], {
    env,
  });
}
