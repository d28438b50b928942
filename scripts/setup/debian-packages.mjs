// @ts-check
import { existsSync } from 'node:fs';
import { runCommand } from './run-command.mjs';

/** Whether set-up may install packages here: Debian or a child of it, as root. */
export const canInstallPackages = () => existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;

/** @param {readonly string[]} packages */
export function installPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  runCommand('apt-get', ['update', '-qq'], { env });
  runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}
