import { describe, expect, it } from 'vitest';
import { killWorkers } from '../support/engine-status.js';
import { until } from '../support/until.js';
import { useCluster } from './cluster.js';
import { longSweep, secretsOf } from './long-sweep.js';

const cluster = await useCluster();

describe('once a sweep has its outcome, none of its jobs runs and no secret is left in the spool', () => {
  it('when it is done', async () => {
    const { sweep, go } = await longSweep(cluster, 2);
    const submit = sweep.submit();
    await until(() => sweep.executions.length === 2);
    expect(secretsOf(sweep)).toHaveLength(1);
    go();
    expect(await submit.outcome).toMatchObject({ success: 2, executed: 2 });
    expect(secretsOf(sweep)).toEqual([]);
  }, 360_000);

  it('when it is cancelled just after its worker was killed', async () => {
    const { sweep } = await longSweep(cluster, 8);
    sweep.submit();
    await until(() => sweep.executions.length >= 4);
    await killWorkers(cluster.env);
    expect(await sweep.run('cancel', 'counted', '--reason', 'wrong range')).toMatchObject({ code: 0 });
    expect(await cluster.queue()).toEqual([]);
    const { records, executions } = sweep;
    expect(records.map(({ status }) => status)).toEqual(executions.map(() => 'cancelled'));
    expect(await sweep.status()).toMatchObject({ state: 'cancelled', cancelled: records.length });
    expect(secretsOf(sweep)).toEqual([]);
    await sweep.expectNoSecondSubmission();
  }, 360_000);

  it('when its workflow was terminated while no worker ran: the next submit ends it', async () => {
    const { sweep, go } = await longSweep(cluster, 6);
    const submit = sweep.submit();
    await until(() => sweep.executions.length >= 4);
    const job = sweep.executions[0]!.job.split('_')[0]!;
    await killWorkers(cluster.env);
    submit.kill('SIGKILL');
    await cluster.terminate(sweep);
    const before = sweep.executions.length;
    const again = sweep.submit();
    await until(() => sweep.executions.length > before);
    expect((await cluster.queue()).filter((line) => line.startsWith(`${job}_`))).toEqual([]);
    go();
    expect(await again.outcome).toMatchObject({ success: 6 });
    expect(secretsOf(sweep)).toEqual([]);
    await sweep.expectNoSecondSubmission();
  }, 360_000);
});
