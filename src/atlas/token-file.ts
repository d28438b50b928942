import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { createFile } from '../access/replace-file.js';
import { InfrastructureError } from '../definition/errors.js';

const BYTES = 32;
const MIN_LENGTH = 16;

/**
 * The token that a file holds, which is made if there is none: it stays the same when the server starts again.
 *
 * @throws InfrastructureError METALAB_ATLAS_TOKEN if other users can read the file, or there is no token in it
 */
export function keepToken(file: string): string {
  return readToken(file) ?? makeToken(file);
}

function readToken(file: string): string | undefined {
  let opened: number;
  try {
    opened = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(file, `it can't be read: ${(error as Error).message}`);
  }
  try {
    const { mode, uid } = fstatSync(opened);
    if (uid !== process.getuid?.()) throw unusable(file, `it belongs to another user (uid ${uid})`);
    if ((mode & 0o077) !== 0)
      throw unusable(file, `other users can read or write it (mode ${(mode & 0o777).toString(8)})`);
    const token = readFileSync(opened, 'utf8').trim();
    if (token.length < MIN_LENGTH) throw unusable(file, `it has ${token.length} characters`);
    return token;
  } finally {
    closeSync(opened);
  }
}

/** Of two that make it at once, one is first, and the other reads that one's. */
function makeToken(file: string): string {
  const token = randomBytes(BYTES).toString('base64url');
  try {
    createFile(file, `${token}\n`);
    return token;
  } catch (error) {
    const other = readToken(file);
    if (other === undefined) throw error;
    return other;
  }
}

const unusable = (file: string, what: string) =>
  new InfrastructureError({
    code: 'METALAB_ATLAS_TOKEN',
    where: file,
    what: `the token can't be used: ${what}`,
    expected: `a file of your own with mode 0600 and at least ${MIN_LENGTH} characters`,
    next: 'remove it: another one is made at the next start',
  });
