import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectIndex } from '../../src/storage/postgresql/connect.js';
import type { PostgresSettings } from '../../src/storage/postgresql/settings.js';
import { parseSettings } from '../../src/storage/store-settings.js';
import { SmallDisk } from '../storage/small-disk.js';
import { countedSweep, executionsIn, useOwnEngine } from '../support/engine.js';
import { killEngine, killWorkers } from '../support/engine-status.js';
import { metalab, ROOT } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';
import { processesWith, processTree, type ServicesJson, serviceIn, services } from './services.js';

const CONFIG = '[services.postgres]\n[services.atlas]\n';

async function projectWithServices(
  files: { readonly [name: string]: string },
  config = CONFIG,
): Promise<Project> {
  const project = await projectWith({ '.metalab.toml': config, ...files });
  await mkdir(project.path('node_modules'));
  await symlink(ROOT, project.path('node_modules/metalab'));
  return project;
}

/** How many runs psql would find. */
async function indexedRuns(locator: string): Promise<number> {
  const client = await connectIndex(parseSettings(locator) as PostgresSettings);
  try {
    const { rows } = await client.query('SELECT count(*)::int AS n FROM metalab.runs');
    return rows[0].n;
  } finally {
    await client.end();
  }
}

const env = useOwnEngine();

test('postgres and atlas that are killed during a sweep answer again, and no row is lost', async () => {
  const project = await projectWithServices(countedSweep(400, 10));
  const here = { cwd: project.folder, env };
  onTestFinished(async () => {
    await metalab(['services', 'down'], here);
    expect(processesWith(join(env.METALAB_HOME, 'services'))).toEqual([]);
  });
  const { json } = await services(['up'], here);
  expect(await metalab(['submit', 'counted.mjs', '--detach'], here)).toMatchObject({ code: 0 });
  await until(() => executionsIn(project).length > 50);
  for (const name of ['postgres', 'atlas']) process.kill(serviceIn(json, name).process_id!.pid, 'SIGKILL');
  let now: ServicesJson | undefined;
  await until(async () => {
    const status = await services(['status'], here);
    now = status.json;
    return status.code === 0 && now!.services.every(({ restarts }) => restarts === 1);
  });
  expect(serviceIn(now, 'postgres').port).toBe(serviceIn(json, 'postgres').port);
  const health = await fetch(`http://127.0.0.1:${serviceIn(now, 'atlas').port}/api/health`);
  expect(health.status).toBe(200);
  expect((await metalab(['attach', 'counted'], here)).stdout).toContain('400 success');
  await until(async () => (await indexedRuns(now!.store!)) === 400);
  expect(executionsIn(project)).toHaveLength(400);
});

test('postgres outlives a worker and a Temporal server that are killed during a sweep, and no row is lost', async () => {
  const project = await projectWithServices(countedSweep(400, 10), '[services.postgres]\n');
  const here = { cwd: project.folder, env };
  onTestFinished(async () => {
    await metalab(['services', 'down'], here);
    expect(processesWith(join(env.METALAB_HOME, 'services'))).toEqual([]);
  });
  const { json } = await services(['up'], here);
  expect(await metalab(['submit', 'counted.mjs', '--detach'], here)).toMatchObject({ code: 0 });
  await until(() => executionsIn(project).length > 50);
  await killWorkers(env);
  await metalab(['engine', 'start'], here);
  const before = executionsIn(project).length;
  await until(() => executionsIn(project).length > before);
  await killEngine(env);
  expect((await metalab(['attach', 'counted'], here)).stdout).toContain('400 success');
  await until(async () => (await indexedRuns(json!.store!)) === 400);
  const now = await services(['status'], here);
  expect(now).toMatchObject({ code: 0, json: { unattended: null } });
  expect(serviceIn(now.json, 'postgres')).toMatchObject({
    process_id: serviceIn(json, 'postgres').process_id,
    restarts: 0,
  });
}, 360_000);

test('a database that hangs is unreachable, and none is started beside it; it is back when it goes on', async () => {
  const project = await projectWithServices({}, '[services.postgres]\n');
  const here = { cwd: project.folder, env };
  const { json } = await services(['up'], here);
  const { process_id } = serviceIn(json, 'postgres');
  onTestFinished(async () => {
    process.kill(process_id!.pid, 'SIGCONT');
    await metalab(['services', 'down'], here);
  });
  process.kill(process_id!.pid, 'SIGSTOP');
  const hung = await services(['status'], here);
  expect(hung.code).not.toBe(0);
  expect(serviceIn(hung.json, 'postgres')).toMatchObject({ status: 'unreachable', process_id, restarts: 0 });
  // What watches them notices it, too.
  await until(async () =>
    (await metalab(['doctor'], here)).stdout.includes('next: `metalab services restart postgres`'),
  );
  process.kill(process_id!.pid, 'SIGCONT');
  const again = await services(['status'], here);
  expect(again.code).toBe(0);
  expect(serviceIn(again.json, 'postgres')).toMatchObject({ status: 'running', process_id, restarts: 0 });
});

test('an up says that the database hangs, and what to do; restart shuts it down in order, and keeps its data', async () => {
  const project = await projectWithServices(countedSweep(3, 0), '[services.postgres]\n');
  const here = { cwd: project.folder, env };
  const { json } = await services(['up'], here);
  expect((await metalab(['submit', 'counted.mjs'], here)).stdout).toContain('3 success');
  await until(async () => (await indexedRuns(json!.store!)) === 3);
  const { process_id, log } = serviceIn(json, 'postgres');
  const all = processTree(process_id!.pid);
  expect(all.length).toBeGreaterThan(1);
  onTestFinished(async () => {
    await metalab(['services', 'down'], here);
    expect(processesWith(join(env.METALAB_HOME, 'services'))).toEqual([]);
  });
  for (const pid of all) process.kill(pid, 'SIGSTOP');
  const told = await metalab(['services', 'status'], here);
  expect(told.stderr).toContain('postgres is alive, but does not answer');
  expect(told.stderr).toContain('`metalab services restart postgres`');
  const up = await metalab(['services', 'up'], here);
  expect(up.code).toBe(1);
  expect(up.stderr).toMatch(/postgres runs, but does not answer: waiting \d+ s for it …\n/);
  expect(up.stderr).toMatch(
    /error: postgres runs, but has not answered for \d+ s\n {2}next: `metalab services restart postgres`/,
  );
  const restarted = await services(['restart', 'postgres'], here);
  expect(restarted.code).toBe(0);
  expect(serviceIn(restarted.json, 'postgres').process_id).not.toEqual(process_id);
  // Not killed.
  expect(readFileSync(log, 'utf8')).toContain('received fast shutdown request');
  expect(await indexedRuns(restarted.json!.store!)).toBe(3);
});

test('a full disk under the database loses no row: runs go on, and the index catches up once there is room', async () => {
  const project = await projectWithServices(
    {
      'few.mjs': sweepOf(20, 0),
      'many.mjs': sweepOf(400, 20_000),
    },
    '[services.postgres]\n',
  );
  const disk = await SmallDisk.mount(project, 140);
  const cwd = project.folder;
  const run = (...args: readonly string[]) => disk.metalab(args, { cwd });
  onTestFinished(async () => {
    await run('services', 'down');
    expect(processesWith(join(project.path('home'), 'services'))).toEqual([]);
  });
  const { project: key } = JSON.parse((await run('services', 'up', '--json')).stdout) as ServicesJson;
  await run('services', 'down');
  const data = join(project.path('home'), 'services', key, 'local', 'data', 'postgres');
  rmSync(data, { recursive: true });
  symlinkSync(disk.folder, data);
  const up = await run('services', 'up', '--json');
  expect(up.stderr).not.toContain('error');
  const { store } = JSON.parse(up.stdout) as ServicesJson;
  expect((await run('submit', 'few.mjs')).stdout).toContain('20 success');
  await until(async () => (await indexedRuns(store!)) === 20);
  disk.fill();
  expect((await run('submit', 'many.mjs')).stdout).toContain('400 success');
  const told = await run('status');
  expect(told.stderr).toMatch(/not in the index yet|the index lags/);
  disk.free();
  expect((await run('services', 'up')).code).toBe(0);
  expect((await run('store', 'index')).code).toBe(0);
  expect(await indexedRuns(store!)).toBe(420);
  expect(existsSync(join(data, 'data', 'PG_VERSION'))).toBe(true);
});

/** So many runs, each of which logs so many characters of params. */
const sweepOf = (runs: number, characters: number) => `
import { experiment, grid, operation, seeds } from 'metalab';
export const wide = operation(({ params, capture }) => {
  capture.metric('y', params.x);
});
export default experiment({
  name: 'sweep-${runs}', version: '1', operation: wide,
  params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i), text: [Array.from({ length: ${characters} }, (_, i) => Math.abs(Math.sin(i)).toString(36)[5]).join('')] }),
  seeds: seeds({ base: 1 }),
});`;
