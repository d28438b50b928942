import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeSampleStore } from '../../src/testing/sample-store.js';
import { metalab, ROOT } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { until } from '../support/until.js';

test('atlas serve serves the store of the project until it is stopped, and prints where its token is', async () => {
  const project = await projectWith({});
  await makeSampleStore(project.store);
  const home = project.path('home');
  const child = spawn(process.execPath, [join(ROOT, 'bin/metalab.js'), 'atlas', 'serve', '--port', '0'], {
    cwd: project.folder,
    env: { ...process.env, METALAB_HOME: home },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  await until(() => printed.includes('with its token'));
  const [, url] = / at (http:\/\/127\.0\.0\.1:\d+)\n/.exec(printed)!;
  const token = readFileSync(join(home, 'atlas-token'), 'utf8').trim();
  expect(printed).toContain(`/?token=$(cat '${join(home, 'atlas-token').replaceAll("'", "'\\''")}')`);
  expect(printed).not.toContain(token);
  const response = await fetch(`${url}/api/experiments`, { headers: { authorization: `Bearer ${token}` } });
  expect(await response.json()).toMatchObject({ experiments: [{}, { experiment_id: 'sample:1.0' }] });
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('a port that is taken, and a wrong one, are named', async () => {
  const project = await projectWith({});
  const other = createServer().listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => void other.close());
  await until(() => other.listening);
  const { port } = other.address() as AddressInfo;
  const env = { METALAB_HOME: project.path('home') };
  const serve = (...args: string[]) => metalab(['atlas', 'serve', ...args], { cwd: project.folder, env });
  const taken = await serve('--port', `${port}`);
  expect(taken.stderr).toMatch(new RegExp(`^error: --port: port ${port} of 127.0.0.1 is in use`));
  expect(taken.code).toBe(3);
  const wrong = await serve('--port', 'many');
  expect(wrong.stderr).toContain('expected: a whole number from 0 to 65535');
  expect(wrong.code).toBe(2);
});
