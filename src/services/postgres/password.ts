import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../access/replace-file.js';
import { passFileLine, readPassFile } from '../../storage/postgresql/pass-file.js';

/** A login, whose password is in a file that only this user can read, as libpq reads it. */
export interface Login {
  readonly password: string;
  readonly file: string;
}

/**
 * The password that is given, else the one that was generated before, else a new one. It is kept in a file.
 *
 * @param folder only this user can enter it
 */
export function keepLogin(user: string, given: string | undefined, folder: string): Login {
  const file = join(folder, 'pgpass');
  const kept = existsSync(file) ? readPassFile(file, { scheme: 'postgresql', user, schema: '' }) : undefined;
  const password = given ?? kept ?? randomBytes(24).toString('base64url');
  // Host and port differ by the way that it is reached, e.g. through a tunnel.
  if (password !== kept) replaceFile(file, passFileLine({ user, password }));
  return { password, file };
}
