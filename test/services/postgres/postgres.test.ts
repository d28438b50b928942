import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectIndex } from '../../../src/storage/postgresql/connect.js';
import { parseStore } from '../../../src/storage/store-config.js';
import { ServiceProcess } from '../../../src/testing/service-process.js';
import { placeOf, planAt, query, startAt } from './server.js';

const canPlayOtherUser = process.getuid?.() === 0;

/** What of the files below a folder has a text in it. */
function filesWith(text: string, folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

const passwordIn = (file: string) => readFileSync(file, 'utf8').trim().split(':').at(-1)!;

test('a new server lets one user in, by a password that is generated once and is in one private file', async () => {
  const place = await placeOf();
  const { plan, server, uri } = await startAt(place);
  const [fileRoot, passfile] = ['experiments', 'pgpass'].map((name) =>
    encodeURIComponent(join(place.folder, name)).replaceAll("'", '%27'),
  );
  expect(uri).toBe(
    `postgresql://metalab@127.0.0.1:${place.port}/metalab?file_root=${fileRoot}&passfile=${passfile}`,
  );
  const { file } = plan.credentials!;
  expect(plan.credentials).toEqual({ user: 'metalab', file: join(place.folder, 'pgpass') });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const password = passwordIn(file);
  expect(password.length).toBeGreaterThanOrEqual(32);

  const { settings } = parseStore(uri);
  const client = await connectIndex(settings as Parameters<typeof connectIndex>[0]);
  await client.query('CREATE SCHEMA metalab; CREATE TABLE kept AS SELECT 42 AS answer');
  await client.end();
  expect(
    await query(
      uri,
      `SELECT rolsuper, current_setting('data_checksums') AS checksums, current_setting('max_connections') AS max,
         current_setting('listen_addresses') AS listen
       FROM pg_roles WHERE rolname = current_user`,
    ),
  ).toEqual([{ rolsuper: false, checksums: 'on', max: '200', listen: '127.0.0.1' }]);
  await expect(query(uri, 'SELECT 1', { password: 'wrong' })).rejects.toMatchObject({ code: '28P01' });
  await expect(query(uri, 'SELECT 1', { password: '' })).rejects.toThrow(/password/);
  await expect(query(uri, 'SELECT 1', { user: 'metalab_superuser', password })).rejects.toMatchObject({
    code: '28000',
  });

  const processes = execFileSync('ps', ['-ww', '-e', '-o', 'args', 'e'], { encoding: 'utf8' });
  expect(processes).not.toContain(password);
  expect(processes).toContain(join(place.folder, 'data'));
  expect(filesWith(password, place.folder)).toEqual([file]);
  expect(await server.stop()).toBe(false);

  const again = await startAt(place);
  expect(passwordIn(file)).toBe(password);
  expect(again.uri).toBe(uri);
  expect(await query(uri, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(again.server.log).not.toContain('ERROR');
});

test('its pid is that of the server, which comes back with its data after SIGKILL', async () => {
  const place = await placeOf();
  const { server, uri } = await startAt(place);
  expect(readFileSync(join(place.folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]).toBe(
    `${server.pid}`,
  );
  await query(uri, 'CREATE SCHEMA metalab; CREATE TABLE metalab.kept AS SELECT 42 AS answer');
  await server.kill();
  const again = await startAt(place);
  expect(await query(again.uri, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(again.server.log).toContain('automatic recovery in progress');
});

test('a password that is given is the one that counts, with whatever characters, also over data that are there', async () => {
  const place = await placeOf();
  const first = await startAt(place);
  const generated = passwordIn(first.plan.credentials!.file);
  await first.server.stop();
  const password = `p@ss:\\ "v4ult' $x ü\u00a0`;
  const config = { password, user: 'o\'neil "x"', database: 'a "b" \'c\' $$', schema: 'my "s"' };
  const { uri, plan } = await startAt(place, config);
  expect(await query(uri, 'SELECT current_user, current_database()')).toEqual([
    { current_user: config.user, current_database: config.database },
  ]);
  expect(await query(uri, 'SHOW search_path')).toEqual([{ search_path: '"my ""s""", "$user", public' }]);
  // psql knows only libpq's parameters.
  const plain = uri.replace(/file_root=[^&]*&/, '').replace(/schema=[^&]*&/, '');
  const answer = execFileSync('psql', [plain, '-At', '-c', 'SELECT current_user'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect(answer).toBe(`${config.user}\n`);
  await expect(query(uri, 'SELECT 1', { password: generated })).rejects.toMatchObject({ code: '28P01' });
  expect(execFileSync('ps', ['-ww', '-e', '-o', 'args', 'e'], { encoding: 'utf8' })).not.toContain('v4ult');
  expect(filesWith('v4ult', place.folder)).toEqual([plan.credentials!.file]);
});

test('a folder with files that are not its own is left as it is', async () => {
  const place = await placeOf();
  mkdirSync(join(place.folder, 'data'));
  writeFileSync(join(place.folder, 'data', 'thesis.tex'), 'years of work');
  const server = ServiceProcess.start((await planAt(place)).fragment);
  await server.end();
  expect(server.log).toBe(
    `metalab: ${place.folder}/data has files that are not metalab's: they are left as they are
  next: move the folder away if nothing needs it
`,
  );
  expect(readdirSync(join(place.folder, 'data'))).toEqual(['thesis.tex']);
});

test('what an interrupted start has left is replaced', async () => {
  const place = await placeOf();
  mkdirSync(join(place.folder, 'data.initdb/base'), { recursive: true });
  writeFileSync(join(place.folder, 'data.initdb/PG_VERSION'), '15');
  const { uri } = await startAt(place);
  expect(await query(uri, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(existsSync(join(place.folder, 'data.initdb'))).toBe(false);
});

test('data of another major version are named, with what can be done', async () => {
  const place = await placeOf();
  const { plan, server } = await startAt(place);
  await server.stop();
  const version = join(place.folder, 'data', 'PG_VERSION');
  writeFileSync(version, '9\n');
  await expect(planAt(place)).rejects.toMatchObject({
    code: 'METALAB_POSTGRES_VERSION',
    where: join(place.folder, 'data'),
    what: expect.stringMatching(/^the data are of PostgreSQL 9, and the programs that there are of \d+ \(/),
    next: expect.stringMatching(/METALAB_PG_BIN_DIR.*move .* away.*metalab store index/),
  });
  // As on a cluster, where only the script sees the data.
  const late = ServiceProcess.start(plan.fragment);
  await late.end();
  expect(late.log).toMatch(
    /metalab: the data in .*\/data are of PostgreSQL 9, and .* is PostgreSQL \d+\n {2}next: /,
  );
  expect(readFileSync(version, 'utf8')).toBe('9\n');
});

test('without a password it serves this machine alone, with a warning', async () => {
  const place = await placeOf();
  const open = planAt({ ...place, host: '0.0.0.0' }, { auth: 'trust' });
  await expect(open).rejects.toThrow('is "trust", but others can reach a server at 0.0.0.0');
  const { plan, uri } = await startAt(place, { auth: 'trust' });
  expect(plan.credentials).toBeNull();
  expect(plan.warnings).toEqual([expect.stringContaining('every user of this machine')]);
  expect(uri).not.toContain('passfile');
  expect(await query(uri, 'SELECT current_user')).toEqual([{ current_user: 'metalab' }]);
});

test('a port that is taken is named in the log', async () => {
  const place = await placeOf();
  const other = createServer().listen({ host: '127.0.0.1', port: place.port });
  onTestFinished(() => void other.close());
  const server = ServiceProcess.start((await planAt(place)).fragment);
  await server.end();
  expect(server.log).toMatch(new RegExp(`could not bind.*\n.*port ${place.port}`));
});

test('METALAB_PG_BIN_DIR says which programs are used, and a wrong one is refused', async () => {
  const place = await placeOf();
  const wrong = planAt({ ...place, env: { ...process.env, METALAB_PG_BIN_DIR: place.folder } });
  await expect(wrong).rejects.toMatchObject({ code: 'METALAB_PG_BIN_DIR', what: 'has no PostgreSQL' });
  for (const name of ['postgres', 'initdb']) {
    writeFileSync(join(place.folder, name), '#!/bin/sh\necho "postgres (PostgreSQL) 12.3"\n');
    chmodSync(join(place.folder, name), 0o755);
  }
  const old = planAt({ ...place, env: { ...process.env, METALAB_PG_BIN_DIR: place.folder } });
  await expect(old).rejects.toMatchObject({
    code: 'METALAB_POSTGRES_VERSION',
    what: `the PostgreSQL that there is, 12 (${place.folder}), is too old`,
  });
});

test('the files of its store are those that its configuration names, else those of the place', async () => {
  const place = await placeOf({ file_root: '/data/lab' });
  expect((await planAt(place)).metadata.file_root).toBe('/data/lab');
  expect((await planAt(place, { file_root: '/data/mine' })).metadata.file_root).toBe('/data/mine');
});

test.runIf(canPlayOtherUser)('a user who is not root starts it as himself', async () => {
  const place = await placeOf();
  const { fragment } = await planAt(place);
  const nobody = 65_534;
  const command = [
    'setpriv',
    `--reuid=${nobody}`,
    `--regid=${nobody}`,
    '--clear-groups',
    ...fragment.command,
  ];
  // The files are written before the process becomes another user's.
  for (const [path, text] of Object.entries(fragment.files)) writeFileSync(path, text, { mode: 0o600 });
  for (const name of readdirSync(place.folder)) chownSync(join(place.folder, name), nobody, nobody);
  chownSync(place.folder, nobody, nobody);
  const server = ServiceProcess.start({ ...fragment, command, files: {} });
  onTestFinished(async () => void (await server.stop()));
  await server.ready();
  expect(statSync(join(place.folder, 'data')).uid).toBe(nobody);
  expect(statSync(`/proc/${server.pid}`).uid).toBe(nobody);
});
