import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { killWorkers } from '../support/engine-status.js';
import { until } from '../support/until.js';
import { sleep, useCluster } from './cluster.js';

const cluster = await useCluster();
const { rig } = cluster;

describe('on a cluster', () => {
  it("cancel ends pending and running tasks, and leaves no job in Slurm's queue", async () => {
    const body = `await new Promise((resolve, reject) => {
      setTimeout(resolve, 60_000);
      runtime.signal.addEventListener('abort', () => reject(runtime.signal.reason));
    });`;
    const sweep = await cluster.project({ xs: 8, body }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => sweep.executions.length >= 2);
    const cancelled = await sweep.run('cancel', 'counted', '--reason', 'wrong range');
    expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringContaining('cancelled') });
    expect((await submit.finished).code).toBe(1);
    const { records } = sweep;
    expect(records.map(({ status }) => status)).toEqual(sweep.executions.map(() => 'cancelled'));
    expect(await sweep.status()).toMatchObject({
      state: 'cancelled',
      reason: 'wrong range',
      cancelled: records.length,
    });
    expect(await cluster.queue()).toEqual([]);
    await sweep.expectNoSecondSubmission();
  }, 360_000);

  it('pause holds pending tasks, also after the worker was killed, until resume', async () => {
    const go = join(rig.folder, 'go');
    const body = `while (!existsSync(${JSON.stringify(go)})) await sleep(50);`;
    const sweep = await cluster.project({ xs: 12, body }, ['chunk_size = 1']);
    sweep.submit();
    await until(() => sweep.executions.length >= 2);
    expect(await sweep.run('pause', 'counted', '--reason', 'the nodes are needed')).toMatchObject({
      code: 0,
    });
    const pending = async () =>
      (await rig.run(['squeue', '--noheader', '--states=PENDING', '--format=%r'])).stdout.trim();
    await until(async () => /^JobHeld(User|Admin)$/.test(await pending()));
    writeFileSync(go, '');
    await until(async () => {
      const { state, running } = await sweep.status();
      return state === 'paused' && running === 0;
    });
    const before = sweep.executions.length;
    expect(before).toBeLessThan(12);
    await killWorkers(cluster.env);
    await sweep.run('engine', 'start');
    await sleep(8_000);
    expect(sweep.executions).toHaveLength(before);
    // Temporal gives a killed worker ten seconds to answer for it.
    await until(async () => (await sweep.status()).state === 'paused', 30);
    expect(await sweep.status()).toMatchObject({ state: 'paused', success: before, failed: 0 });
    // Held again until a second submit has joined.
    rmSync(go);
    expect(await sweep.run('resume', 'counted')).toMatchObject({ code: 0 });
    expect(await sweep.run('submit', 'counted.mjs', '--detach')).toMatchObject({ code: 0 });
    writeFileSync(go, '');
    const attached = await sweep.run('attach', 'counted', '--json');
    expect(JSON.parse(attached.stdout.trim().split('\n').at(-1)!)).toMatchObject({
      success: 12,
      executed: 12,
    });
    await sweep.expectOnce(12);
    expect(sweep.executions).toHaveLength(12);
  }, 450_000);

  it("a sweep that fails because of a task's set-up has the set-up's output as its reason", async () => {
    const sweep = await cluster.project({ xs: 4 }, ['modules = ["nowhere/1.0"]']);
    const { code, stderr } = await sweep.run('submit', 'counted.mjs');
    expect(code, stderr).not.toBe(0);
    expect(stderr).toContain('nowhere/1.0');
    const { state, reason } = await sweep.status();
    expect(state).toBe('failed');
    expect(reason).toContain('nowhere/1.0');
    expect(sweep.executions).toEqual([]);
    expect(Object.keys(await sweep.jobs())).toHaveLength(2);
  }, 450_000);

  it("a job that sbatch refuses is reported at once with Slurm's message", async () => {
    const sweep = await cluster.project({ xs: 4 }, ['partition = "nowhere"']);
    const { code, stderr } = await sweep.run('submit', 'counted.mjs');
    expect(code, stderr).not.toBe(0);
    expect(stderr).toMatch(/Slurm refuses the job: .*invalid partition/);
    expect(await sweep.status()).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('invalid partition'),
    });
    expect(await sweep.jobs()).toEqual({});
  }, 60_000);

  it('many short runs share tasks, and several slots a task', async () => {
    const sweep = await cluster.project({ xs: 400, body: 'await sleep(20);' }, ['cpus = 2']);
    expect(await sweep.finish()).toMatchObject({ success: 400, executed: 400 });
    const records = await sweep.expectOnce(400);
    const tasks = new Set(sweep.executions.map(({ job }) => job));
    expect(tasks.size).toBeLessThanOrEqual(40);
    expect(new Set(sweep.executions.map(({ pid }) => pid)).size).toBeGreaterThan(tasks.size);
    expect(new Set(records.map(({ provenance }) => provenance.job))).toEqual(tasks);
    expect(sweep.executions).toHaveLength(400);
  }, 360_000);

  it("status shows running and pending tasks, and Slurm's reason", async () => {
    const sweep = await cluster.project({ xs: 3 }, ['chunk_size = 1']);
    await Promise.all(rig.nodes.map((node) => rig.drainNode(node)));
    onTestFinished(() => Promise.all(rig.nodes.map((node) => rig.resumeNode(node))).then(() => {}));
    const submit = sweep.submit();
    await until(async () =>
      (await sweep.status()).batches.some(({ pending, waits }) => pending === 3 && waits),
    );
    const { stderr } = await sweep.run('status', 'counted');
    expect(stderr).toMatch(/job \d+: 3 tasks pending \(Slurm: .+\)/);
    expect(await sweep.status()).toMatchObject({ state: 'running', pending: 3, running: 0 });
    await Promise.all(rig.nodes.map((node) => rig.resumeNode(node)));
    expect(await submit.outcome).toMatchObject({ success: 3 });
  }, 360_000);
});
