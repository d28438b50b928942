import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { stateFolder } from '../../access/own-folders.js';
import { makePrivateFolder } from '../../access/private-folder.js';
import { replaceFile } from '../../access/replace-file.js';
import { readPassFile } from './pass-file.js';
import type { PostgresSettings } from './settings.js';

/** Passwords by login, in metalab's own folder: workers index with what the process that submitted knew. */
const passwordFile = () => join(stateFolder(), 'postgresql-passwords.json');

const keyOf = ({ host = 'localhost', port = 5432, user, database = '' }: PostgresSettings) =>
  `${user ?? process.env.PGUSER ?? userInfo().username}@${host}:${port}/${database}`;

/** @returns undefined where none is known here: then `pg` looks into pgpass files */
export function passwordOf(settings: PostgresSettings): string | undefined {
  const { passfile } = settings;
  // The file is this login's own; PGPASSWORD may be that of another database.
  const own = passfile === undefined ? undefined : readPassFile(passfile, settings);
  return own ?? (process.env.PGPASSWORD || readPasswords()[keyOf(settings)]);
}

/** Keeps a password for workers of this user on this machine. */
export function keepPassword(settings: PostgresSettings, password: string): void {
  const known = readPasswords();
  const key = keyOf(settings);
  if (known[key] === password) return;
  const path = passwordFile();
  makePrivateFolder({ path: dirname(path), variable: 'METALAB_HOME' });
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, JSON.stringify({ ...known, [key]: password }));
}

/**
 * Forgets a password that the server did not take: then that of a pgpass file counts.
 *
 * @returns whether it was one that is kept here
 */
export function forgetPassword(settings: PostgresSettings, password: string | undefined): boolean {
  const { [keyOf(settings)]: kept, ...others } = readPasswords();
  if (kept === undefined || kept !== password) return false;
  replaceFile(passwordFile(), JSON.stringify(others));
  return true;
}

function readPasswords(): { readonly [login: string]: string } {
  const path = passwordFile();
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { readonly [login: string]: string };
  } catch {
    return {};
  }
}
