import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TEMPORAL_SERVER_VERSION } from '../../scripts/setup/temporal-server-programs.mjs';
import { makeSampleStore } from '../../src/testing/sample-store.js';
import { usePostgres } from '../storage/postgresql/use-postgres.js';
import { metalab, ROOT } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { USER } from '../support/temporal-on-postgres/postgres.mjs';
import { until } from '../support/until.js';

const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');

test('docker-compose.yml deploys the version of Temporal that the tests run against', () => {
  const images = [...compose.matchAll(/temporalio\/(?:server|admin-tools):([\d.]+)/g)];
  expect(images.map(([, version]) => `v${version}`)).toEqual([
    TEMPORAL_SERVER_VERSION,
    TEMPORAL_SERVER_VERSION,
  ]);
});

const postgres = usePostgres();

test('its atlas shows the store whose index is in its PostgreSQL, found by the variables that it sets', async () => {
  const [, command = ''] = /command:\s*\[\s*(atlas,[^\]]*?),?\s*\]/.exec(compose)!;
  const variables = [...compose.matchAll(/^ {6}(PG[A-Z]+): /gm)].map(([, name]) => name);
  expect(variables).toEqual(['PGHOST', 'PGUSER', 'PGPASSWORD', 'PGHOST', 'PGUSER', 'PGPASSWORD']);
  await postgres.query('CREATE DATABASE metalab', 'postgresql://127.0.0.1/postgres');
  const project = await projectWith({});
  await makeSampleStore(project.store);
  const env = {
    ...{ PGHOST: '127.0.0.1', PGPORT: `${postgres.server.port}`, PGUSER: USER },
    ...{ PGPASSWORD: process.env.PGPASSWORD, METALAB_HOME: project.path('home') },
  };
  const args = command
    .replaceAll('"', '')
    .replace(/\$\{METALAB_PROJECT:-\$PWD\}/, project.folder)
    .split(/,\s*/)
    .map((word) => ({ '0.0.0.0': '127.0.0.1', '8000': '0' })[word] ?? word);
  const store = args.at(-1)!;
  const indexed = await metalab(['store', 'index', '--store', store], { cwd: project.folder, env });
  expect(indexed.stderr).not.toContain('error');
  // Where its files are not: from the index alone.
  await rename(project.store, project.path('elsewhere'));
  const child = spawn(process.execPath, [join(ROOT, 'bin/metalab.js'), ...args], {
    cwd: project.folder,
    env: { ...process.env, ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  await until(() => / at http/.test(printed) || child.exitCode !== null);
  const [, url] = / at (http:\S+)/.exec(printed)!;
  const token = (await readFile(project.path('home/atlas-token'), 'utf8')).trim();
  const response = await fetch(`${url}/api/experiments?token=${token}`);
  expect(await response.json()).toMatchObject({
    experiments: [{}, { experiment_id: 'sample:1.0', submissions: 1 }],
  });
});

test('docker-compose.yml mounts files that are there', () => {
  const files = [...compose.matchAll(/- (\.\/docker\/[\w.-]+):/g)].map(([, file]) => file!);
  expect(files).toHaveLength(3);
  for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
});
