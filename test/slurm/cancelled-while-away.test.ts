import { expect, it } from 'vitest';
import { until } from '../support/until.js';
import { useCluster } from './cluster.js';
import { longSweep, secretsOf } from './long-sweep.js';

const cluster = await useCluster();
const { rig } = cluster;

it('the outcome of a sweep that was cancelled while its cluster was away says which jobs may still run, and the next submit ends them', async () => {
  const { sweep, go } = await longSweep(cluster, 6);
  sweep.submit();
  await until(() => sweep.executions.length >= 4);
  await rig.stopGateway();
  const job = sweep.executions[0]!.job.split('_')[0]!;
  const cancelled = sweep.run('cancel', 'counted', '--reason', 'wrong range');
  await until(async () => (await sweep.run('status', 'counted')).stderr.includes('ECONNREFUSED'), 240);
  expect(await sweep.status()).toMatchObject({ state: 'cancelling' });
  expect(await cancelled).toMatchObject({ code: 0 });
  const { state, reason } = await sweep.status();
  expect({ state, reason }).toEqual({
    state: 'cancelled',
    reason: expect.stringMatching(new RegExp(`^wrong range; job ${job} may still run, .*the next submit`)),
  });
  const before = sweep.executions.length;
  await rig.startGateway();
  const again = sweep.submit();
  await until(() => sweep.executions.length > before, 120);
  const running = new Set((await cluster.queue()).map((line) => line.split('_')[0]));
  expect([...running]).not.toContain(job);
  go();
  expect(await again.outcome).toMatchObject({ success: 6 });
  expect(secretsOf(sweep)).toEqual([]);
  await sweep.expectNoSecondSubmission();
}, 720_000);
