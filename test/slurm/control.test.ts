import { describe, expect, it } from 'vitest';
import { until, useCluster } from './cluster.js';

const cluster = await useCluster();

describe('on a cluster', () => {
  it('cancel ends what waits and what runs, and Slurm has nothing of it afterwards', async () => {
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
  }, 120_000);
});
