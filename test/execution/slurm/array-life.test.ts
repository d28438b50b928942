import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createShellTransport } from '../../../src/execution/transport/shell/shell-transport.js';
import { type OwnedRig, startRig } from '../../rig/start.mjs';
import { body } from '../local/sweep.js';
import { ClusterSweep, type ClusterSweepOptions } from './cluster-sweep.js';

let rig: OwnedRig;
const made: ClusterSweep[] = [];

beforeAll(async () => {
  rig = await startRig({ minJobAgeSeconds: 20 });
  vi.stubEnv('SLURM_CONF', rig.env.SLURM_CONF);
});
afterEach(async () => {
  for (const sweep of made.splice(0)) if (!process.env.KEEP) await sweep.remove();
  await rig.run(['scancel', '--user=root']);
  await new Promise((resolve) => setTimeout(resolve, 500));
});
afterAll(() => rig?.down());

const PATIENCE = { timeout: 60_000, interval: 100 };

function sweepOf(options: ClusterSweepOptions): ClusterSweep {
  const sweep = new ClusterSweep(createShellTransport(), options);
  made.push(sweep);
  return sweep;
}

const wait = (ms: number) => `return new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const QUICK = body("capture.metric('x', params.x);");
const jobsOf = async () =>
  (await rig.run(['squeue', '-h', '-t', 'all', '-o', '%F %j'])).stdout.trim().split('\n').filter(Boolean);
const jobs = async (name: string) =>
  new Set((await jobsOf()).filter((line) => line.endsWith(name)).map((line) => line.split(' ')[0]));

test('a batch becomes one array, whose records are in the store when it is reported', async () => {
  const sweep = sweepOf({ code: body("capture.metric('double', 2 * params.x);"), cases: 50 });
  expect(await sweep.executor.dealing(50, sweep.order())).toEqual({ at_once: 1, most: 25 });
  const report = await sweep.execute({
    ranges: [
      { from: 0, to: 20 },
      { from: 30, to: 50 },
    ],
  });
  expect(report).toMatchObject({ success: 40, failed: 0, cancelled: 0, left: [] });
  expect(sweep.records.map(({ index }) => index)).toEqual(
    [...Array(50).keys()].filter((x) => x < 20 || x >= 30),
  );
  expect(sweep.records[0]?.provenance).toMatchObject({
    executor: 'slurm',
    environment: 'rig',
    job: expect.stringMatching(/^\d+_0$/),
  });
  expect(report.means.double?.n).toBe(40);
  expect(await jobs(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
});

test('the same token is the same array, and nothing is submitted twice', async () => {
  const sweep = sweepOf({ code: body(wait(3000)), cases: 4 });
  const first = sweep.execute().catch((error) => error.code);
  await expect.poll(() => sweep.last?.running, PATIENCE).toBe(4);
  sweep.stop('yield');
  expect(await first).toBe('CLOSED');
  sweep.executor = sweep.makeExecutor();
  expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
  expect(await jobs(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
  expect(sweep.records).toHaveLength(4);
  expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
});

test('cancelling aborts what runs, and what waits never begins', async () => {
  const sweep = sweepOf({ code: body(wait(60_000)), cases: 8, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.running, PATIENCE).toBe(4);
  sweep.stop('cancel');
  const report = await running;
  expect(report).toMatchObject({ success: 0, failed: 0, cancelled: 4 });
  expect(report.left).toEqual([{ from: 4, to: 8 }]);
});

test('a set-up that fails is told with its output', async () => {
  const sweep = sweepOf({
    code: QUICK,
    cases: 4,
    config: { setup: ['echo looking for gcc', 'cat /nowhere/gcc'] },
  });
  const failing = sweep.execute().catch((error) => error);
  expect(await failing).toMatchObject({ code: 'TASK_START' });
  expect((await failing).message).toContain('/nowhere/gcc');
});

test('tasks cancelled behind its back are left, and go round again', async () => {
  const sweep = sweepOf({ code: body(wait(4000)), cases: 6, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.running, PATIENCE).toBe(4);
  const job = sweep.last?.job;
  await rig.run(['scancel', `${job}_1`, `${job}_5`]);
  const report = await running;
  expect(report).toMatchObject({
    success: 4,
    failed: 0,
    left: [
      { from: 1, to: 2 },
      { from: 5, to: 6 },
    ],
  });
  expect(
    await sweep.execute({ token: 'fedcba9876543210', ranges: report.left, mean_ms: 4000 }),
  ).toMatchObject({ success: 2, left: [] });
  expect(sweep.records).toHaveLength(6);
});

test('a paused array starts no further run, and goes on when it is resumed', async () => {
  const sweep = sweepOf({ code: body(wait(2000)), cases: 16, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.running, PATIENCE).toBe(4);
  sweep.paused = true;
  await expect.poll(() => sweep.last, PATIENCE).toMatchObject({ waits: 'paused', running: 0 });
  const before = sweep.last?.success;
  expect(before).toBeLessThan(16);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect(sweep.last?.success).toBe(before);
  sweep.paused = false;
  const report = await running;
  // A task that had begun, and not yet its run, gave it back.
  const left = report.left.reduce((sum, { from, to }) => sum + to - from, 0);
  expect(report).toMatchObject({ success: 16 - left, failed: 0, cancelled: 0 });
  expect(left).toBeLessThanOrEqual(4);
});

test('a run that does not fit its time limit is a failure that names the limit', async () => {
  const sweep = sweepOf({ code: body(wait(600_000)), cases: 1 });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.runs.length, PATIENCE).toBe(1);
  await rig.endTimeOf(`${sweep.last?.job}_0`);
  expect(await running).toMatchObject({ failed: 1, left: [] });
  const [record] = sweep.records;
  expect(record?.error?.message).toContain('time limit of 60 min');
  expect(record?.provenance).toMatchObject({ node: expect.stringMatching(/^n[12]$/), task: 0 });
});
