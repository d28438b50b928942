import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ClusterProject, sleep, useCluster } from './cluster.js';

const ARRAY_SIZE = 8;
const LIMIT = 12;
const RUNS = 36;

const cluster = await useCluster({ maxArraySize: ARRAY_SIZE });

/** How many tasks each of a sweep's arrays had. */
function sizesOf({ spool }: ClusterProject): number[] {
  return readdirSync(spool, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('/array.json'))
    .map((path) => (JSON.parse(readFileSync(join(spool, path), 'utf8')) as { tasks: number }).tasks);
}

/** What sbatch refused: metalab keeps its words in the array's folder, and the controller writes its own. */
function refusals(projects: readonly ClusterProject[]): string[] {
  const kept = projects.flatMap(({ spool }) =>
    readdirSync(spool, { recursive: true })
      .map(String)
      .filter((path) => /\/refused-[^/]*$/.test(path)),
  );
  const log = readFileSync(join(cluster.rig.folder, 'log', 'slurmctld.log'), 'utf8').split('\n');
  return [...kept, ...log.filter((line) => /_slurm_rpc_submit_batch_job:(?! JobId)/.test(line))];
}

/** Calls nothing but squeue. @returns what stops it, and tells the most that was seen */
function watchQueue(): () => Promise<number> {
  let most = 0;
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const { stdout } = await cluster.rig.run(['squeue', '--array', '--noheader', '--format=%i']);
      most = Math.max(most, stdout.split('\n').filter(Boolean).length);
      await sleep(100);
    }
  })();
  return async () => {
    stopped = true;
    await watching;
    return most;
  };
}

test("no array is larger than the cluster's MaxArraySize", async () => {
  const project = await cluster.project({ xs: RUNS }, ['chunk_size = 3']);
  const { success } = await project.finish();
  expect(success).toBe(RUNS);
  const sizes = sizesOf(project);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(RUNS / 3);
  expect(Math.max(...sizes)).toBe(ARRAY_SIZE);
  await project.expectOnce(RUNS);
  expect(refusals([project])).toEqual([]);
}, 360_000);

test("sweeps of two projects share the user's submit limit in waves, and sbatch refuses nothing", async () => {
  await cluster.rig.setLimits('qos', { MaxSubmitJobs: LIMIT });
  // A partition that is named: the limits of the other are known from before.
  const executor = ['partition = "main"', 'chunk_size = 3'];
  const projects = [
    await cluster.project({ xs: RUNS }, executor),
    await cluster.project({ xs: RUNS }, [...executor, 'time = "30m"']),
  ];
  const stopWatching = watchQueue();
  const outcomes = await Promise.all(projects.map((project) => project.finish()));
  const most = await stopWatching();
  expect(outcomes.map(({ success }) => success)).toEqual([RUNS, RUNS]);
  expect(refusals(projects)).toEqual([]);
  // More at a time than one array, never more than is allowed.
  expect(most).toBeGreaterThan(Math.max(...projects.flatMap(sizesOf)));
  expect(most).toBeLessThanOrEqual(LIMIT);
  for (const project of projects) await project.expectOnce(RUNS);
}, 540_000);
