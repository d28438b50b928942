import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file that only this user can read, in one step: a reader sees the old or the new content, never half of it. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  writeBeside(path, content, (temporary) => renameSync(temporary, path));
}

/** The same where there is none yet. @throws the system's error, EEXIST if there is one */
export function createFile(path: string, content: string | Uint8Array): void {
  writeBeside(path, content, (temporary) => linkSync(temporary, path));
}

function writeBeside(path: string, content: string | Uint8Array, put: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' });
    put(temporary);
  } finally {
    rmSync(temporary, { force: true });
  }
}
