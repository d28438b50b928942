import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Cluster } from '../../../../src/execution/slurm/cluster.js';
import { ClusterRetry } from '../../../../src/execution/slurm/cluster-retry.js';
import { type JobRequest, ScheduledJob } from '../../../../src/execution/slurm/job/scheduled-job.js';
import { createShellTransport } from '../../../../src/transport/shell/shell-transport.js';
import { cancelAllJobs, useLocalRig } from '../../../rig/use-rig.js';

const rig = await useLocalRig({ minJobAgeSeconds: 20 });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "metalab job's "));
  name = `metalab-test-${++jobs}`;
});
afterEach(async () => {
  await cancelAllJobs(rig);
  rmSync(folder, { recursive: true });
});

const WAIT = { timeout: 60_000, interval: 100 };
/** Another one for each test: a job that has ended is found by its name, too. */
let name = '';
let jobs = 0;

/** A job of one task, which is no experiment's. */
function request(script: string): JobRequest {
  const file = join(folder, 'job.sh');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  const sbatch = [`--job-name=${name}`, '--array=0', `--output=${join(folder, 'out')}`, file];
  return { folder, name, sbatch, tasks: 1 };
}

/** The job as a process sees it that knows nothing of others which submit or watch it. */
function jobOf(wanted: JobRequest, isCancelled = false): ScheduledJob {
  const transport = createShellTransport();
  const cluster = new Cluster(transport);
  const retry = new ClusterRetry(transport);
  retry.cancelled = isCancelled;
  onTestFinished(() => {
    retry.close();
    cluster.close();
  });
  return new ScheduledJob(cluster, wanted, retry);
}

const submit = (job: ScheduledJob) => job.submit({ limit: Infinity, onWaits: () => {} });

const meaningOf = (job: ScheduledJob) => job.view.tasks.get(0)?.meaning;
const inQueue = async () => {
  const { stdout } = await rig.run(['squeue', '--noheader', `--name=${name}`, '--format=%F']);
  return stdout.trim().split('\n').filter(Boolean);
};

test('processes that submit the same job at the same time, and later, get one job', async () => {
  const wanted = request('sleep 600');
  const ids = await Promise.all([1, 2, 3].map(() => submit(jobOf(wanted))));
  expect(ids[0]).toMatch(/^\d+$/);
  expect(new Set(ids).size).toBe(1);
  expect(await submit(jobOf(wanted))).toBe(ids[0]);
  expect(await inQueue()).toEqual([ids[0]]);
});

test('a job whose submission was noted nowhere is found by its name', async () => {
  const wanted = request('sleep 600');
  const id = await submit(jobOf(wanted));
  rmSync(join(folder, 'submit/job'));
  expect(await submit(jobOf(wanted))).toBe(id);
  expect(await inQueue()).toEqual([id]);
});

test('it is seen while it runs, until it is ended', async () => {
  const job = jobOf(request('sleep 600'));
  await submit(job);
  const forget = job.watch(new Set());
  await expect.poll(() => meaningOf(job), WAIT).toBe('running');
  await job.end();
  await expect.poll(() => meaningOf(job), WAIT).toBe('cancelled');
  await job.end();
  forget();
});

test('a job that was cancelled before it was submitted is never submitted', async () => {
  const wanted = request('sleep 600');
  expect(await submit(jobOf(wanted, true))).toBeUndefined();
  expect(await submit(jobOf(wanted, true))).toBeUndefined();
  expect(await inQueue()).toEqual([]);
});

test('a paused job does not start until it is resumed', async () => {
  const wanted = request('sleep 600');
  const job = jobOf({ ...wanted, sbatch: ['--begin=now+3', ...wanted.sbatch] });
  await submit(job);
  job.watch(new Set());
  await job.pause();
  const held = async () =>
    (await rig.run(['squeue', '--noheader', `--name=${name}`, '--format=%r'])).stdout.trim();
  await expect.poll(held, WAIT).toBe('JobHeldAdmin');
  await expect.poll(() => meaningOf(job), WAIT).toBe('pending');
  await job.resumeIfPaused();
  await expect.poll(() => meaningOf(job), WAIT).toBe('running');
});
