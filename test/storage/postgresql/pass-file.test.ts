import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { passFileLine, readPassFile } from '../../../src/storage/postgresql/pass-file.js';
import type { PostgresSettings } from '../../../src/storage/postgresql/settings.js';
import { parseStore } from '../../../src/storage/store-config.js';

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'metalab-pgpass-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'pgpass');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const settings: PostgresSettings = {
  scheme: 'postgresql',
  host: 'db.example',
  port: 5433,
  user: 'o\\ne:il',
  database: 'lab',
  schema: 'metalab',
};

test('the first line that fits gives the password, as in libpq', () => {
  const file = fileWith(`# a comment: with: five: fields: here
damaged
db.example:5432:lab:*:another-port
other.example:5433:*:*:another-host
${passFileLine({ host: 'db.example', port: 5433, user: 'o\\ne:il', password: 'a:b\\c :' })}*:*:*:*:later
`);
  expect(readPassFile(file, settings)).toBe('a:b\\c :');
  expect(readPassFile(file, { ...settings, user: 'me' })).toBe('later');
  expect(readPassFile(fileWith('other:*:*:*:x\n'), settings)).toBeUndefined();
  expect(readPassFile('/nowhere/pgpass', settings)).toBeUndefined();
});

test("a store's location names the file, with spaces as libpq reads them", () => {
  const { uri } = parseStore('postgresql://me@db/lab?passfile=/my%20home/pgpass&file_root=/data/a+b');
  expect(uri).toBe('postgresql://me@db/lab?file_root=%2Fdata%2Fa%20b&passfile=%2Fmy%20home%2Fpgpass');
  expect(parseStore(uri).settings).toMatchObject({ passfile: '/my home/pgpass', file_root: '/data/a b' });
});
