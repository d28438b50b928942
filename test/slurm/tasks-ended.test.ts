import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { sleep, useCluster } from './cluster.js';

const cluster = await useCluster();
const { rig } = cluster;

describe('a task that the cluster ends', () => {
  it('for its time: another job continues, and a run that alone takes too long fails with a TimeoutError', async () => {
    const body = 'await sleep(params.x === 1 ? 600_000 : 500);';
    const sweep = await cluster.project({ xs: [0, 1, 2], body }, [
      'chunk_size = 3',
      'partition = "short"',
      'time = "2h"',
    ]);
    const submit = sweep.submit();
    const long = () => sweep.executions.filter(({ x }) => x === 1);
    await until(() => long().length === 1);
    const told = 'time limit 1m, all that the partition allows of the 2h asked for';
    await until(async () => (await sweep.run('status', 'counted')).stderr.includes(told));
    await rig.endTimeOf(long()[0]!.job);
    await until(() => long().length === 2, 120);
    await rig.endTimeOf(long()[1]!.job);
    expect(await submit.outcome).toMatchObject({ success: 2, failed: 1 });
    const failed = sweep.records.find(({ status }) => status === 'failed')!;
    expect(failed).toMatchObject({
      params: { x: 1 },
      error: { type: 'TimeoutError', message: expect.stringContaining("the job's time limit of 60 s") },
    });
    expect(sweep.records).toHaveLength(3);
    await sweep.expectNoSecondSubmission();
  }, 720_000);

  it('for its memory: only the run that used it fails', async () => {
    const body = `if (params.x === 2) {
      globalThis.kept = [];
      for (let i = 0; i < 30; i++) { globalThis.kept.push(Buffer.alloc(32 * 2 ** 20, 1)); await sleep(100); }
    }`;
    const sweep = await cluster.project({ xs: 5, body }, ['chunk_size = 5', 'memory = "400M"']);
    expect(await sweep.finish()).toMatchObject({ success: 4, failed: 1 });
    const failed = sweep.records.find(({ status }) => status === 'failed')!;
    expect(failed).toMatchObject({ params: { x: 2 }, error: { type: 'MemoryError' } });
    expect(sweep.records).toHaveLength(5);
    await sweep.expectNoSecondSubmission();
  }, 600_000);

  it.each([
    // A run may have more than its whole task: it is Slurm that ends the task.
    { slots: 1, of: 'the task', properties: "memory: '2G'," },
    { slots: 2, of: 'the task', properties: "memory: '2G'," },
    // The slot is ended before, at nine tenths of the task's memory.
    { slots: 1, of: 'the slot', properties: '' },
  ])(
    'for the memory of $of, used by a child right after the start (slots: $slots): only the run that used it fails',
    async ({ slots, properties }) => {
      const body = `if (params.x === 0) {
      const { spawnSync } = await import('node:child_process');
      spawnSync(process.execPath, ['-e', 'globalThis.kept = Buffer.alloc(700 * 2 ** 20, 1); setTimeout(() => {}, 60_000)']);
    }`;
      const sweep = await cluster.project({ xs: 5, body, properties }, [
        'chunk_size = 5',
        'memory = "400M"',
        `cpus = ${slots}`,
      ]);
      expect(await sweep.finish()).toMatchObject({ success: 4, failed: 1 });
      const failed = sweep.records.find(({ status }) => status === 'failed')!;
      expect(failed).toMatchObject({ params: { x: 0 }, error: { type: 'MemoryError' } });
      // What it was ended for, not what accounting sampled before.
      const least = properties === '' ? 0.9 * 400 : 400;
      expect(failed.provenance.max_rss_bytes).toBeGreaterThan(least * 2 ** 20);
      expect(sweep.records).toHaveLength(5);
      await sweep.expectNoSecondSubmission();
    },
    200_000,
  );

  it('for its memory during the set-up of a requeued task: the run that was in progress before does not fail', async () => {
    const hog = `${process.execPath} -e 'globalThis.kept = Buffer.alloc(700 * 2 ** 20, 1); setTimeout(() => {}, 60_000)'`;
    const executor = [
      'memory = "400M"',
      `setup = [${JSON.stringify(`[ -z "$SLURM_RESTART_COUNT" ] || ${hog}`)}]`,
    ];
    const begun = "process.cwd() + '/begun'";
    const body = `if (!existsSync(${begun})) { appendFileSync(${begun}, ''); await sleep(120_000); }`;
    const sweep = await cluster.project({ xs: 1, body }, executor);
    const submit = sweep.submit();
    await until(() => sweep.executions.length === 1);
    await sleep(3_000);
    await rig.control(['requeue', sweep.executions[0]!.job]);
    expect(await submit.outcome).toMatchObject({ success: 1, failed: 0 });
    await sweep.expectOnce(1);
    expect(sweep.timesExecuted).toEqual({ 0: 2 });
  }, 600_000);
});
