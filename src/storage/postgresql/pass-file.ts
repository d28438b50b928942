import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { PostgresSettings } from './settings.js';

/** The login of a line; a field that is left out fits all. */
export interface PassFileEntry {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password: string;
}

/** A line of a password file as libpq reads it: https://www.postgresql.org/docs/current/libpq-pgpass.html */
export function passFileLine({ host, port, database, user, password }: PassFileEntry): string {
  const fields = [host, port, database, user].map((field) =>
    field === undefined ? '*' : escapeField(`${field}`),
  );
  return `${[...fields, escapeField(password)].join(':')}\n`;
}

/** @returns the password of the first line that fits; undefined if none does, or there is no such file */
export function readPassFile(path: string, settings: PostgresSettings): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const { host = 'localhost', port = 5432, database = '' } = settings;
  const login = [host, `${port}`, database, settings.user ?? process.env.PGUSER ?? userInfo().username];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    if (fields.length === 5 && login.every((value, at) => fields[at] === '*' || fields[at] === value))
      return fields[4];
  }
  return undefined;
}

const escapeField = (text: string) => text.replace(/[\\:]/g, '\\$&');

/** Of a line, whose colons and backslashes are escaped by a backslash. */
function fieldsOf(line: string): string[] {
  const fields = [''];
  for (const [part] of line.matchAll(/\\.|:|[^\\:]+|\\$/g))
    if (part === ':') fields.push('');
    else fields[fields.length - 1] += part.startsWith('\\') && part.length > 1 ? part.slice(1) : part;
  return fields;
}
