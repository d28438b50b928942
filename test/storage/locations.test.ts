import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { discoverStore } from '../../src/client/services/discover-store.js';
import { requireFileStore } from '../../src/storage/capabilities.js';
import { provideDiscovery } from '../../src/storage/discovery.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { parseStore } from '../../src/storage/store-config.js';
import { metalab } from '../support/metalab.js';
import { temporaryFolder } from './file/temporary-store.js';

const messageOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
};

const parseAndConnect = async (uri: string) => parseStore(uri).connect();

it('reads paths and uris as plain settings', () => {
  expect(parseStore('/data/lab').settings).toEqual({ scheme: 'file', path: '/data/lab' });
  expect(parseStore('file:///data/my%20lab').settings).toEqual({ scheme: 'file', path: '/data/my lab' });
  expect(parseStore('discover').settings).toEqual({ scheme: 'discover' });
  const uri =
    'postgresql://me%40lab@db.lab:5433/my%20runs?schema=s1&file_root=%2Fdata%2Flab&sslmode=verify-full';
  expect(parseStore(uri).settings).toEqual({
    scheme: 'postgresql',
    host: 'db.lab',
    port: 5433,
    user: 'me@lab',
    database: 'my runs',
    schema: 's1',
    file_root: '/data/lab',
    sslmode: 'verify-full',
  });
  expect(parseStore('postgres:///lab?host=%2Frun%2Fpg').settings).toEqual({
    scheme: 'postgresql',
    host: '/run/pg',
    database: 'lab',
    schema: 'metalab',
  });
});

it('names a store by a uri that gives the same settings', () => {
  for (const uri of [
    'postgresql://me@db/lab?file_root=%2Fdata',
    'postgresql:///lab?host=%2Frun%2Fpg',
    'postgresql://[::1]:5433/lab',
    'postgresql://me%40lab@db/a%2Bb?schema=a+b',
  ]) {
    const config = parseStore(uri);
    expect(parseStore(config.uri)).toEqual(config);
  }
});

it('reports all mistakes of a uri together', () => {
  const wrong = 'postgresql://db/lab?schemma=x&file_root=data&sslmode=on&schema=pg_x';
  const message = messageOf(() => parseStore(wrong));
  expect(message).toContain('4 problems');
  expect(message).toContain("has no parameter 'schemma'");
  expect(message).toContain('did you mean schema?');
  expect(message).toContain('expected: an absolute path');
  expect(message).toContain('one of disable, allow, prefer, require, verify-ca, verify-full');
  expect(message).toContain('does not begin with pg_');
});

it.each([
  ['postgresql:/db/lab', /postgresql:\/\/user@host\/database/],
  ['postgres:lab', /postgresql:\/\/user@host\/database/],
  ['file:/data/lab', /file:\/\/\/data/],
  ['discover:', /the word discover/],
])('%s is no folder by mistake', (location, expected) => {
  const message = messageOf(() => parseStore(location));
  expect(message).toMatch(expected);
  expect(message).toContain(`a folder of that name is ./${location}`);
  expect(parseStore(`./${location}`).settings.scheme).toBe('file');
});

it('refuses a uri with a password, and does not show it', () => {
  for (const uri of [
    'postgresql://me:s3cr%2Ft@db/lab',
    'postgres://me@db/lab?schema=x&password=s3crt',
    'postgresql://me:s3c@rt@db/lab',
  ]) {
    const message = messageOf(() => parseStore(uri));
    expect(message).toContain('the uri holds a password');
    expect(message).toContain('PGPASSWORD');
    expect(message).not.toMatch(/s3c|rt@/);
  }
});

it('shows no password of a uri that it does not understand', async () => {
  for (const uri of ['posgresql://me:s3crt@db/lab', 's3://me:s3c@rt@db/lab', 'postgres:me:s3crt@db/lab']) {
    const message = await parseAndConnect(uri).catch((error: Error) => error.message);
    expect(message).toContain('***@db/lab');
    expect(message).not.toMatch(/s3c|rt@/);
  }
});

it('says that no services run where a store is to be discovered', async () => {
  provideDiscovery(discoverStore);
  process.env.METALAB_HOME = temporaryFolder();
  await expect(parseStore('discover').connect()).rejects.toThrow(/no services[\s\S]*--store/);
});

it('says which package would provide a scheme', async () => {
  await expect(parseStore('bucket://lab').connect()).rejects.toThrow(
    /no kind of store with the scheme 'bucket'[\s\S]*package that provides it[\s\S]*"stores": { "bucket": /,
  );
  await expect(parseStore('postgre://lab').connect()).rejects.toThrow(/did you mean postgresql\?/);
});

it('opens the files of an indexed store under the uri that names both', async () => {
  const root = join(temporaryFolder(), 'store');
  const uri = `postgresql://127.0.0.1:1/lab?file_root=${encodeURIComponent(root)}`;
  const made = requireFileStore(await parseStore(uri).connect({ create: true }));
  expect([made.root, made.uri]).toEqual([root, parseStore(uri).uri]);
  expect((await openFileStore(root)).id).toBe(made.id);
});

it('the command line refuses a password without printing it', async () => {
  const folder = temporaryFolder('metalab-');
  mkdirSync(join(folder, 'x'));
  const { code, stderr, stdout } = await metalab(['list', '--store', 'postgresql://me:hunter2@db/lab'], {
    cwd: folder,
  });
  expect(code).toBe(2);
  expect(stderr).toContain('the uri holds a password');
  expect(stderr + stdout).not.toContain('hunter2');
});
