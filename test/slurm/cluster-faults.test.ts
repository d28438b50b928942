import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { sleep, useCluster } from './cluster.js';

const cluster = await useCluster({ nodeTimeoutSeconds: 10 });
const { rig } = cluster;

describe('one record per run, and no second submission', () => {
  it('when a task is killed, one is cancelled and one requeued', async () => {
    const sweep = await cluster.project({ xs: 10, body: 'await sleep(5000);' }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => sweep.executions.length >= 4);
    const [killed, cancelled, requeued] = sweep.executions;
    process.kill(parentOf(killed!.pid), 'SIGKILL');
    await rig.run(['scancel', cancelled!.job]);
    await rig.control(['requeue', requeued!.job]);
    expect(await submit.outcome).toMatchObject({ success: 10, executed: 10 });
    await sweep.expectOnce(10);
    for (const { x } of [killed!, cancelled!, requeued!]) expect(sweep.timesExecuted[x]).toBe(2);
  }, 600_000);

  it("when somebody cancels the array: the sweep is cancelled with the user's name, and the next submit continues", async () => {
    const sweep = await cluster.project({ xs: 10 }, ['chunk_size = 1']);
    const go = sweep.project.path('go');
    const body = `while (params.x > 1 && !existsSync(${JSON.stringify(go)})) await sleep(50);`;
    await sweep.write({ xs: 10, body }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => sweep.executions.length >= 6);
    const job = sweep.executions[0]!.job.split('_')[0]!;
    await rig.run(['scancel', job]);
    expect(await submit.outcome).toMatchObject({
      state: 'cancelled',
      reason: expect.stringMatching(`somebody cancelled job ${job} in Slurm \\(\\w+\\)`),
    });
    expect(sweep.executions).toHaveLength(6);
    writeFileSync(go, '');
    expect(await sweep.finish()).toMatchObject({ success: 10 });
    expect(sweep.records.filter(({ status }) => status === 'success')).toHaveLength(10);
  }, 600_000);

  it('when the controller and accounting stop for a while', async () => {
    const sweep = await cluster.project({ xs: 12, body: 'await sleep(3000);' }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => sweep.executions.length >= 2);
    await Promise.all([rig.stopController(), rig.stopAccounting()]);
    await until(async () =>
      /Slurm has not answered since 20[-\d]+T[:\d]+Z/.test((await sweep.run('status', 'counted')).stderr),
    );
    expect((await sweep.status()).failed).toBe(0);
    await rig.startController();
    await sleep(5_000);
    await rig.startAccounting();
    expect(await submit.outcome).toMatchObject({ success: 12, executed: 12 });
    await sweep.expectOnce(12);
    expect(sweep.executions).toHaveLength(12);
  }, 600_000);

  it('when a node dies and is set down', async () => {
    const sweep = await cluster.project({ xs: 10, body: 'await sleep(6000);' }, ['chunk_size = 1']);
    const submit = sweep.submit();
    await until(() => new Set(sweep.executions.map(({ node }) => node)).size === 2);
    const before = sweep.executions.filter(({ node }) => node === 'n1');
    await rig.killNode('n1');
    await rig.setNodeDown('n1');
    await rig.startNode('n1');
    await rig.resumeNode('n1');
    expect(await submit.outcome).toMatchObject({ success: 10, executed: 10 });
    await sweep.expectOnce(10);
    for (const { x } of before) expect(sweep.timesExecuted[x]).toBeGreaterThanOrEqual(2);
  }, 600_000);
});

/** The task's process, whose child a slot is. */
function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
}
