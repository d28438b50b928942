// @ts-check
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/** What Debian's packages ask before they start a service. */
const POLICY = '/usr/sbin/policy-rc.d';
const MARK = '# Written by set-up of metalab while it installs packages.';

/**
 * Packages installed meanwhile start none of their services. A policy that is there stays; ours goes, also one that a
 * killed set-up left.
 *
 * @param {() => void} install
 */
export function withoutStartingServices(install) {
  if (isOurs()) rmSync(POLICY);
  const written = write();
  try {
    install();
  } finally {
    if (written) rmSync(POLICY, { force: true });
  }
}

function write() {
  try {
    // 101: not allowed, and no error of the package.
    writeFileSync(POLICY, `#!/bin/sh\n${MARK}\nexit 101\n`, { mode: 0o755, flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

function isOurs() {
  try {
    return readFileSync(POLICY, 'utf8').includes(MARK);
  } catch {
    return false;
  }
}
