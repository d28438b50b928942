import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { EngineStatus } from '../../src/engine/status.js';
import type { SweepStatus } from '../../src/index.js';
import { countedSweep, executionsIn, useOwnEngine } from '../support/engine.js';
import { killEngine, serverAddress } from '../support/engine-status.js';
import { metalab, startMetalab } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { recordsIn } from '../support/records.js';
import { until } from '../support/until.js';

// The engine's own server is what dies here, also where all other tests share one.
const env = { ...useOwnEngine(), TEMPORAL_ADDRESS: '' };

/** Its runs, but for the first, wait for the file `go`. */
const sweep = (runs: number) => countedSweep(runs, 0, 'params.x > 0');

const statusOf = async (project: Project) => {
  const { stdout } = await metalab(['status', 'counted', '--json'], { cwd: project.folder, env });
  return JSON.parse(stdout) as SweepStatus;
};

test('after kill -9 of server and workers the sweep is interrupted, and attach continues it; a store held by another engine is reported as such', async () => {
  const project = await projectWith(sweep(6));
  await metalab(['submit', 'counted.mjs', '--slots', '2', '--detach'], { cwd: project.folder, env });
  await until(() => executionsIn(project).length >= 2);
  await until(() => recordsIn(project.store, 'counted:1').length === 1);
  await killEngine(env);

  expect(await statusOf(project)).toMatchObject({
    state: 'interrupted',
    ...{ total: 6, success: 1, running: 0, pending: 5 },
    reason: expect.stringContaining('metalab attach counted:1'),
  });

  const file = join(project.store, 'lease.json');
  const lease = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  // Its clock is late by more than a lease lasts: that is not how old its lease is.
  const late = new Date(Date.now() - 90_000).toISOString();
  const far = { engine: 'far', address: 'far:7233', namespace: 'default', host: 'far', worker: 'far-1' };
  writeFileSync(file, JSON.stringify({ ...far, renewed_at: late }));
  expect(await statusOf(project)).toMatchObject({ state: 'elsewhere' });
  const long = Date.now() / 1000 - 11 * 60;
  writeFileSync(file, JSON.stringify({ ...far, renewed_at: new Date().toISOString() }));
  utimesSync(file, long, long);
  expect(await statusOf(project)).toMatchObject({ state: 'interrupted' });
  if (lease === undefined) rmSync(file);
  else writeFileSync(file, lease);

  await project.write({ go: '' });
  const attached = await metalab(['attach', 'counted', '--json'], { cwd: project.folder, env });
  expect(attached.code, attached.stderr).toBe(0);
  expect(JSON.parse(attached.stdout)).toMatchObject({ total: 6, success: 6 });
}, 720_000);

test("a followed submit whose server died and can't be restarted exits with the reason", async () => {
  const project = await projectWith(sweep(6));
  const { stdout } = await metalab(['engine', 'start', '--json'], { env });
  const { server } = JSON.parse(stdout) as EngineStatus;
  // The Temporal CLI, which is taken away in the middle.
  const program = project.path('temporal');
  symlinkSync(readFileSync(`/proc/${server!.pid}/cmdline`, 'utf8').split('\0')[0]!, program);
  const submit = startMetalab(['submit', 'counted.mjs'], {
    cwd: project.folder,
    env: { ...env, METALAB_TEMPORAL: program },
  });
  await until(() => executionsIn(project).length >= 1);
  rmSync(program);
  await killEngine(env);
  const { code, stderr } = await submit.finished;
  expect(code).toBe(3);
  expect(stderr).toContain('METALAB_TEMPORAL');
  // For who comes after this test.
  await project.write({ go: '' });
  await vi.waitFor(
    async () => expect((await metalab(['attach', 'counted'], { cwd: project.folder, env })).code).toBe(0),
    { timeout: 60_000, interval: 500 },
  );
}, 720_000);

test('a followed submit whose server had to take another port says so, and attach continues it', async () => {
  const project = await projectWith(sweep(6));
  const submit = startMetalab(['submit', 'counted.mjs'], { cwd: project.folder, env });
  await until(() => executionsIn(project).length >= 1);
  const port = (await serverAddress(env)).split(':').at(-1)!;
  // Another user's server takes the port before this submit can start its own again.
  submit.kill('SIGSTOP');
  await killEngine(env);
  const another = { METALAB_HOME: mkdtempSync(join(tmpdir(), 'metalab-another-')), METALAB_PORT: port };
  onTestFinished(async () => {
    await metalab(['engine', 'stop'], { env: another });
    rmSync(another.METALAB_HOME, { recursive: true, force: true });
  });
  const taken = await metalab(['engine', 'start'], { env: another });
  expect(taken.code, taken.stderr).toBe(0);
  submit.kill('SIGCONT');
  const { code, stderr } = await submit.finished;
  expect(code).toBe(3);
  expect(stderr).toContain('was restarted at 127.0.0.1:');
  await project.write({ go: '' });
  const attached = await metalab(['attach', 'counted', '--json'], { cwd: project.folder, env });
  expect(attached.code, attached.stderr).toBe(0);
  expect(JSON.parse(attached.stdout)).toMatchObject({ total: 6, success: 6 });
}, 720_000);
