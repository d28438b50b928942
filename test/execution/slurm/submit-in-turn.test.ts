import { expect, test } from 'vitest';
import type { BatchSignal } from '../../../src/execution/batch-executor.js';
import { ClusterRetry } from '../../../src/execution/slurm/cluster-retry.js';
import { SubmitLimiter, submitInTurn } from '../../../src/execution/slurm/job/limiter.js';
import type { SubmitOptions, Submitted } from '../../../src/execution/slurm/job/submit.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';

/** What a user may submit at once, and how much of it is in the queue. */
const LIMIT = 10;

/** An array of one task of which Slurm says something each time, at last that it was withdrawn where it is cancelled. */
function arrayOf(limiter: SubmitLimiter, submit: () => Submitted) {
  const waits: (string | null)[] = [];
  let cancel = () => {};
  const signal: BatchSignal = {
    onStop: (listener) => {
      cancel = () => listener('cancel');
      return () => {};
    },
  };
  const retry = new ClusterRetry(createShellTransport(), { signal });
  const options: SubmitOptions = {
    array: '/nowhere',
    name: 'metalab-0',
    sbatch: [],
    queue: { findByName: async () => undefined },
    retry,
    onWaits: (why) => waits.push(why),
  };
  const job = submitInTurn({ limiter, tasks: 1, limit: LIMIT }, options, async () =>
    retry.cancelled ? { kind: 'withdrawn' } : submit(),
  );
  return { job, waits, cancel: () => cancel() };
}

const limiterOf = (queued: number | undefined) =>
  new SubmitLimiter({ countJobs: async () => queued, onLook: () => () => {} });

test('while Slurm takes no further jobs of one array, others of the same limit are submitted', async () => {
  const limiter = limiterOf(0);
  const refused = arrayOf(limiter, () => ({ kind: 'over', message: 'QOSMaxSubmitJobPerUserLimit' }));
  const other = arrayOf(limiter, () => ({ kind: 'job', job: '7' }));
  expect(await other.job).toBe('7');
  expect(refused.waits.at(-1)).toContain('QOSMaxSubmitJobPerUserLimit');
  refused.cancel();
  expect(await refused.job).toBeUndefined();
});

test('a cancelled submission leaves the queue, and those behind it keep their places', async () => {
  const limiter = limiterOf(LIMIT);
  const submitted: string[] = [];
  const [first, second, third] = ['1', '2', '3'].map((job) =>
    arrayOf(limiter, () => {
      submitted.push(job);
      return { kind: 'job', job };
    }),
  );
  await expect.poll(() => first?.waits.at(-1)).toContain('10 of the 10 jobs');
  second?.cancel();
  expect(await second?.job).toBeUndefined();
  expect(third?.waits).toEqual([]);
  first?.cancel();
  expect(await first?.job).toBeUndefined();
  await expect.poll(() => third?.waits.at(-1)).toContain('10 of the 10 jobs');
  third?.cancel();
  await third?.job;
  expect(submitted).toEqual([]);
});

test('a queue that can not be read is reported', async () => {
  const array = arrayOf(limiterOf(undefined), () => ({ kind: 'job', job: '1' }));
  await expect.poll(() => array.waits.at(-1)).toContain('squeue does not show');
  array.cancel();
  expect(await array.job).toBeUndefined();
});
