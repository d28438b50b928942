import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { useOwnEngine } from '../support/engine.js';
import { killEngine, killWorkers } from '../support/engine-status.js';
import { kill } from '../support/kill.js';
import { metalab, startMetalab } from '../support/metalab.js';
import type { Project } from '../support/project.js';
import { until } from '../support/until.js';
import { projectWithKv } from './fixtures/kv-project.js';
import { processesWith, serviceIn, services, tell } from './services.js';

const env = useOwnEngine();
const CONFIG = '[services.mirror]\n[services.kv]\n';

/** A project with its services, as long as a test runs; then nothing of them is left. */
class Lab {
  readonly here: { readonly cwd: string; readonly env: NodeJS.ProcessEnv };
  #data = '';

  constructor(project: Project) {
    this.here = { cwd: project.folder, env };
  }

  static async make(): Promise<Lab> {
    const lab = new Lab(await projectWithKv(CONFIG));
    onTestFinished(async () => {
      if (existsSync(lab.here.cwd)) await lab.run('down');
      expect(lab.processes()).toEqual([]);
    });
    return lab;
  }

  async up() {
    const up = await services(['up'], this.here);
    if (!up.json) throw new Error(up.stderr);
    this.#data = join(env.METALAB_HOME, 'services', up.json.project);
    return up.json;
  }

  run(...args: readonly string[]) {
    return metalab(['services', ...args], this.here);
  }

  async status() {
    const { json } = await services(['status'], this.here);
    return { kv: serviceIn(json, 'kv'), mirror: serviceIn(json, 'mirror'), problem: json!.problem };
  }

  path(...parts: readonly string[]) {
    return join(this.#data, 'local', ...parts);
  }

  /** Its services' processes, with this in their command lines: other tests have services, too. */
  processes(text = '') {
    return processesWith(this.#data || join(env.METALAB_HOME, 'services'), text);
  }
}

const killService = (service: { readonly process_id: { readonly pid: number } | null }) =>
  kill(service.process_id!.pid);

test('a killed service is started again at its place, with its data, without what its last start left', async () => {
  const lab = await Lab.make();
  const up = await lab.up();
  const kv = serviceIn(up, 'kv');
  await tell(kv.port, 'kept,');
  await killService(kv);
  await until(async () => {
    const { status, restarts } = (await lab.status()).kv;
    return status === 'running' && restarts === 1;
  });
  const now = await lab.status();
  expect(now.kv.port).toBe(kv.port);
  expect(now.mirror.process_id).toEqual(serviceIn(up, 'mirror').process_id);
  expect(await tell(kv.port, 'more')).toBe('hi kept,more');
  expect(lab.processes('kv-child')).toHaveLength(1);
  rmSync(lab.path('bundle.json'));
  await until(() => existsSync(lab.path('bundle.json')));
  const { handles } = JSON.parse(readFileSync(lab.path('bundle.json'), 'utf8'));
  expect(handles[0].process_id).toEqual(now.kv.process_id);
});

test('a service that dies five times in a row is not restarted, and reported with its log; another up tries again', async () => {
  const lab = await Lab.make();
  const { kv } = { kv: serviceIn(await lab.up(), 'kv') };
  writeFileSync(lab.path('data', 'kv', 'broken'), '');
  await killService(kv);
  await until(async () => (await lab.status()).problem !== null);
  const now = await lab.status();
  expect(now.problem).toBe('kv died 5 times in a row, and is not started again');
  expect(now.mirror.status).toBe('running');
  const told = await lab.run('status');
  expect(told.code).toBe(1);
  expect(told.stderr).toContain(
    'kv died 5 times in a row, and is not started again: metalab services logs kv',
  );
  expect((await lab.run('logs', 'kv')).stdout.match(/the table is broken/g)).toHaveLength(4);
  rmSync(lab.path('data', 'kv', 'broken'));
  expect(serviceIn(await lab.up(), 'kv').status).toBe('running');
});

test('services outlive a killed worker; the next command has them looked after again', async () => {
  const lab = await Lab.make();
  const before = serviceIn(await lab.up(), 'kv');
  await killWorkers(env);
  expect((await lab.status()).kv.process_id).toEqual(before.process_id);
  await killService(before);
  const after = serviceIn(await lab.up(), 'kv');
  expect(after).toMatchObject({ status: 'running', port: before.port });
  await killService(after);
  await until(
    async () =>
      !['', String(after.process_id!.pid)].includes(String((await lab.status()).kv.process_id?.pid ?? '')),
  );
});

test('services outlive a killed Temporal server and worker; the next engine start brings back what died', async () => {
  const lab = await Lab.make();
  const up = await lab.up();
  await killEngine(env);
  const told = await lab.run('status');
  expect(told).toMatchObject({ code: 0 });
  expect(told.stderr).toContain('they would not be started again if they died');
  // As after a reboot: nothing of it runs any more.
  await kill(...lab.processes().map(({ pid }) => pid));
  expect((await metalab(['engine', 'start'], lab.here)).code).toBe(0);
  await until(async () => {
    const { kv, mirror } = await lab.status();
    return kv.status === 'running' && mirror.status === 'running';
  });
  expect((await lab.status()).kv.port).toBe(serviceIn(up, 'kv').port);
});

test('an up whose worker is killed in the middle goes on with the next one, and ends with one set', async () => {
  const lab = await Lab.make();
  await lab.up();
  await lab.run('down');
  writeFileSync(lab.path('data', 'kv', 'slow'), '');
  const up = startMetalab(['services', 'up', '--json'], lab.here);
  await until(() => lab.processes('server.mjs').length === 1);
  await killWorkers(env);
  rmSync(lab.path('data', 'kv', 'slow'));
  // It would never get ready: it is the one that the killed worker started.
  await kill(...lab.processes('server.mjs').map(({ pid }) => pid));
  const { code } = await up.finished;
  expect(code).toBe(0);
  expect(lab.processes('server.mjs')).toHaveLength(1);
});

test('an up and a down whose command is killed are carried out nevertheless', async () => {
  const lab = await Lab.make();
  await lab.up();
  await lab.run('down');
  const up = startMetalab(['services', 'up'], lab.here);
  await until(() => up.stderrSoFar().includes('starting kv'));
  up.kill('SIGKILL');
  await until(async () => (await lab.status()).mirror.status === 'running');
  writeFileSync(lab.path('data', 'kv', 'stubborn'), '');
  await lab.run('restart', 'kv');
  const down = startMetalab(['services', 'down'], lab.here);
  await until(() => down.stderrSoFar().includes('stopping kv'));
  down.kill('SIGKILL');
  await until(() => lab.processes().length === 0);
});

test('a down overtakes an up that does not get ready', async () => {
  const lab = await Lab.make();
  await lab.up();
  await lab.run('down');
  writeFileSync(lab.path('data', 'kv', 'slow'), '');
  const up = startMetalab(['services', 'up'], lab.here);
  await until(() => lab.processes('server.mjs').length === 1);
  expect(await lab.run('down')).toMatchObject({ code: 0 });
  const ended = await up.finished;
  expect(ended).toMatchObject({ code: 1 });
  expect(ended.stderr).toContain('services down` ended them meanwhile');
  expect(lab.processes()).toEqual([]);
});

test('what a starter left that was killed before it noted the process is ended by the next up', async () => {
  const lab = await Lab.make();
  const before = serviceIn(await lab.up(), 'kv');
  await killWorkers(env);
  const record = lab.path('local', 'kv.json');
  const noted = JSON.parse(readFileSync(record, 'utf8'));
  // As it stands between the start and its note.
  writeFileSync(record, JSON.stringify({ ...noted, process: null, since: null }));
  const after = serviceIn(await lab.up(), 'kv');
  expect(after.process_id).not.toEqual(before.process_id);
  expect(lab.processes('server.mjs')).toHaveLength(1);
  expect(lab.processes('kv-child')).toHaveLength(1);
});

test('services of a project that is gone are ended as orphans', async () => {
  const lab = await Lab.make();
  await lab.up();
  rmSync(lab.here.cwd, { recursive: true });
  const { code, stdout } = await metalab(['services', 'down', '--orphans'], { env });
  expect(stdout).toContain('ended the services of');
  expect(code).toBe(0);
  expect(lab.processes()).toEqual([]);
});
