import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { killWorkers } from '../support/engine-status.js';
import { until } from '../support/until.js';
import { Terminal } from '../terminal/tmux.js';
import { sleep, useCluster } from './cluster.js';

const cluster = await useCluster();
const { rig } = cluster;

/** A path in the rig's home, where a wrapped command and a test tell each other. */
const sign = (name: string) => join(rig.folder, 'home', name);

describe('one record per run, and no second submission, though the connection is cut', () => {
  it('in the middle of an upload', async () => {
    const body = `const { size } = (await import('node:fs')).statSync(context.data.path); capture.metric('size', size);`;
    const properties = `context: { data: file('data.bin') },`;
    const sweep = await cluster.project({ xs: 4, body, properties }, ['chunk_size = 1']);
    const size = 96 * 2 ** 20;
    await sweep.project.write({ 'data.bin': Buffer.alloc(size, 'metalab') });
    const submit = sweep.submit();
    const isUploading = () =>
      existsSync(sweep.spool) &&
      readdirSync(sweep.spool, { recursive: true }).some((name) => /files\/.*\.part$/.test(String(name)));
    await until(isUploading);
    await rig.killGatewaySessions();
    expect(await submit.outcome).toMatchObject({ success: 4, executed: 4 });
    const records = await sweep.expectOnce(4);
    expect(new Set(records.map(({ metrics }) => metrics.size))).toEqual(new Set([size]));
    expect(sweep.executions).toHaveLength(4);
  }, 360_000);

  it("of a submit, between sbatch's success and its answer", async () => {
    const unwrap = cluster.wrap(
      'sbatch',
      `echo called >> '${sign('sbatch-calls')}'; real "$@" || exit; touch '${sign('submitted')}'; sleep 3`,
    );
    const sweep = await cluster.project({ xs: 6, body: 'await sleep(500);' }, ['chunk_size = 2']);
    const submit = sweep.submit();
    await until(() => existsSync(sign('submitted')));
    await rig.killGatewaySessions();
    expect(await submit.outcome).toMatchObject({ success: 6, executed: 6 });
    unwrap();
    expect(readFileSync(sign('sbatch-calls'), 'utf8')).toBe('called\n');
    await sweep.expectOnce(6);
    expect(sweep.executions).toHaveLength(6);
  }, 360_000);

  it('of polls, and for 20 s', async () => {
    const unwrap = cluster.wrap('squeue', `touch '${sign('polled')}'; sleep 1; real "$@"`);
    const sweep = await cluster.project({ xs: 16, body: 'await sleep(4000);' }, ['chunk_size = 2']);
    const submit = sweep.submit();
    for (let cut = 0; cut < 3; cut++) {
      await until(() => sweep.executions.length > 0 && existsSync(sign('polled')));
      await rig.killGatewaySessions();
      rmSync(sign('polled'), { force: true });
    }
    unwrap();
    await rig.stopGateway();
    await sleep(20_000);
    await rig.startGateway();
    expect(await submit.outcome).toMatchObject({ success: 16, executed: 16 });
    await sweep.expectOnce(16);
    expect(sweep.executions).toHaveLength(16);
  }, 450_000);
});

describe('a login that expires', () => {
  it('makes the sweep wait, is shown by status and the Temporal UI, and is renewed by metalab env login', async () => {
    // The sweep must not be done before its login has expired.
    const go = join(rig.folder, 'home', 'go');
    const body = `while (params.x > 1 && !existsSync(${JSON.stringify(go)})) await sleep(50);`;
    const sweep = await cluster.project({ xs: 12, body }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => sweep.executions.length > 0);
    const keys = join(rig.folder, 'ssh', 'authorized_keys');
    const good = readFileSync(keys, 'utf8');
    writeFileSync(keys, '');
    onTestFinished(() => writeFileSync(keys, good));
    await rig.killGatewaySessions();
    await until(async () => {
      const { state, reason } = await sweep.status();
      return state === 'waiting' && /log ?in/i.test(reason ?? '');
    });
    expect((await sweep.status()).reason).toContain('metalab env login cluster');
    expect(await cluster.workflowDetails(sweep)).toMatch(/waiting \(.*refused the login/);
    // Whoever follows it is not kept waiting for what only somebody can mend.
    expect(await submit.finished).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('metalab env login'),
    });
    writeFileSync(keys, good);
    writeFileSync(go, '');
    const terminal = await Terminal.open(sweep.project.folder, 120, cluster.env as Record<string, string>);
    await terminal.type('metalab env login cluster');
    await terminal.waitFor(/logged in to rig/);
    await until(async () => (await sweep.status()).state !== 'waiting');
    // It joins the sweep, or finds it done.
    expect(await sweep.finish()).toMatchObject({ success: 12 });
    await sweep.expectOnce(12);
    expect(sweep.executions).toHaveLength(12);
  }, 450_000);
});

describe('a worker that is killed with arrays in flight', () => {
  it('is replaced by one that adopts them', async () => {
    const sweep = await cluster.project({ xs: 12, body: 'await sleep(3000);' }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => sweep.executions.length > 0);
    const before = await sweep.jobs();
    await killWorkers(cluster.env);
    submit.kill('SIGKILL');
    const attached = sweep.submit();
    expect(await attached.outcome).toMatchObject({ success: 12, executed: 12 });
    expect(await sweep.jobs()).toEqual(before);
    await sweep.expectOnce(12);
    expect(sweep.executions).toHaveLength(12);
  }, 450_000);
});
