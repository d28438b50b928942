import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { killWorkers } from '../support/engine-status.js';
import { until } from '../support/until.js';
import { type ClusterProject, useCluster } from './cluster.js';

const cluster = await useCluster();
const { rig } = cluster;

/** Runs of x ≥ 2 last until they are aborted, where `hold` is there. */
const BODY = (
  sweep: string,
) => `if (params.x >= 2 && existsSync(${JSON.stringify(sweep)})) await new Promise((resolve, reject) => {
  setTimeout(resolve, 120_000);
  runtime.signal.addEventListener('abort', () => reject(runtime.signal.reason));
});`;

/** A sweep whose workflow was terminated, without a worker to hear of it: four runs, two of which go on. */
async function leftAlone(): Promise<{
  readonly sweep: ClusterProject;
  readonly release: () => Promise<unknown>;
}> {
  const hold = `/tmp/metalab-hold-${Math.random().toString(36).slice(2)}`;
  await rig.run(['touch', hold]);
  const sweep = await cluster.project({ xs: 4, body: BODY(hold) }, ['chunk_size = 1']);
  await sweep.run('submit', 'counted.mjs', '--detach');
  await until(() => sweep.executions.filter(({ x }) => x >= 2).length === 2 && sweep.records.length === 2);
  await killWorkers(cluster.env);
  await cluster.terminate(sweep);
  return { sweep, release: () => rig.run(['rm', '-f', hold]) };
}

describe('arrays whose workflow was terminated', () => {
  it('keep their spool on env clean, and are ended first by env clean --cancel', async () => {
    const { sweep, release } = await leftAlone();
    const clean = await sweep.run('env', 'clean', 'cluster');
    expect(clean).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/left counted:1 .*jobs? \d+.* in the queue/),
    });
    expect(existsSync(sweep.spool)).toBe(true);
    expect(await cluster.queue()).not.toEqual([]);
    const ended = await sweep.run('env', 'clean', 'cluster', '--cancel');
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('removed counted:1') });
    expect(await cluster.queue()).toEqual([]);
    await release();
    expect(await sweep.finish()).toMatchObject({ success: 4, reused: 2 });
    expect(sweep.timesExecuted).toEqual({ 0: 1, 1: 1, 2: 2, 3: 2 });
  }, 540_000);

  it('are ended by cancel, and the next submit executes only the missing runs', async () => {
    const { sweep, release } = await leftAlone();
    const cancelled = await sweep.run('cancel', 'counted', '--reason', 'wrong range');
    expect(cancelled).toMatchObject({ code: 0, stdout: expect.stringMatching(/2 success, 2 cancelled/) });
    expect(await cluster.queue()).toEqual([]);
    expect(await sweep.status()).toMatchObject({
      state: 'cancelled',
      reason: 'wrong range',
      running: 0,
      batches: [],
    });
    expect(await sweep.run('cancel', 'counted')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('in progress'),
    });
    await release();
    expect(await sweep.finish()).toMatchObject({ success: 4, reused: 2 });
    expect(sweep.timesExecuted).toEqual({ 0: 1, 1: 1, 2: 2, 3: 2 });
    await sweep.expectNoSecondSubmission();
  }, 540_000);
});
