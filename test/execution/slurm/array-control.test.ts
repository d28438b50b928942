import { expect, test } from 'vitest';
import { body } from '../local/sweep.js';
import { PATIENCE, useClusterSweeps } from './cluster-sweep.js';

const { rig, sweepOf } = await useClusterSweeps({ minJobAgeSeconds: 20 });

const wait = (ms: number) => `return new Promise((resolve) => setTimeout(resolve, ${ms}));`;

test('cancelling aborts running tasks, and pending ones never start', async () => {
  const sweep = sweepOf({ code: body(wait(60_000)), cases: 8, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.runs.length, PATIENCE).toBe(4);
  sweep.stop('cancel');
  const report = await running;
  expect(report).toMatchObject({ success: 0, failed: 0, cancelled: 4 });
  expect(report.left).toEqual([{ from: 4, to: 8 }]);
});

test('tasks that somebody cancelled in Slurm are reported as left, and a next batch executes them', async () => {
  // Those that are cancelled last until they are, however long that takes to be asked for.
  const long = "[1, 5].includes(params.x) && !fs.existsSync('again') ? 60_000 : 4_000";
  const code = body(
    `fs.writeFileSync('started-' + params.x, '\\n'); await new Promise((resolve) => setTimeout(resolve, ${long}));`,
    { async: true },
  );
  const sweep = sweepOf({ code, cases: 6, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.worked('started-1').length > 0 && sweep.last?.job, PATIENCE).toBeTruthy();
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
  sweep.work('again');
  expect(
    await sweep.execute({ token: 'fedcba9876543210', ranges: report.left, mean_ms: 4000 }),
  ).toMatchObject({ success: 2, left: [] });
  expect(sweep.records).toHaveLength(6);
});

test('a paused array starts no further run until it is resumed', async () => {
  const sweep = sweepOf({ code: body(wait(2000)), cases: 16, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.running, PATIENCE).toBeGreaterThan(0);
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

test('an array whose worker died before it paused it is paused by the next', async () => {
  const sweep = sweepOf({ code: body(wait(2000)), cases: 16, config: { chunk_size: 1 } });
  const first = sweep.execute().catch((error) => error.code);
  await expect.poll(() => sweep.last?.running, PATIENCE).toBeGreaterThan(0);
  sweep.stop('yield');
  expect(await first).toBe('CLOSED');
  sweep.paused = true;
  sweep.executor = sweep.makeExecutor();
  const next = sweep.execute();
  const reasons = async () => (await rig.run(['squeue', '-h', '-t', 'PENDING', '-o', '%r'])).stdout.trim();
  await expect.poll(reasons, PATIENCE).toMatch(/^JobHeld(User|Admin)$/);
  // What runs is still followed.
  await expect.poll(() => sweep.last, PATIENCE).toMatchObject({ waits: 'paused', running: 0 });
  expect(sweep.last?.success).toBeGreaterThan(0);
  sweep.paused = false;
  const { success, failed, left } = await next;
  // A task that had begun, and not yet its run, gave it back.
  expect({ done: success + left.reduce((sum, { from, to }) => sum + to - from, 0), failed }).toEqual({
    done: 16,
    failed: 0,
  });
  expect(sweep.records).toHaveLength(success);
});

test('while nothing happens on the cluster, the pause is polled more often than the cluster', async () => {
  const sweep = sweepOf({ code: body(wait(120_000)), cases: 1, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.running, PATIENCE).toBe(1);
  // Each look at the cluster is told of once.
  await expect.poll(() => sweep.pauseQuestions - sweep.progress.length, PATIENCE).toBeGreaterThan(3);
  sweep.stop('cancel');
  await running;
}, 360_000);
