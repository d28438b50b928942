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
 * @param {string} [policy]
 */
export function withoutStartingServices(install, policy = POLICY) {
  if (isOurs(policy)) rmSync(policy);
  const written = write(policy);
  try {
    install();
  } finally {
    if (written) rmSync(policy, { force: true });
  }
}

/** @param {string} policy */
function write(policy) {
  try {
    // 101: not allowed, and no error of the package.
    writeFileSync(policy, `#!/bin/sh\n${MARK}\nexit 101\n`, { mode: 0o755, flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} policy */
function isOurs(policy) {
  try {
    return readFileSync(policy, 'utf8').includes(MARK);
  } catch {
    return false;
  }
}
