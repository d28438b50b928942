import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSlurm } from '../../../src/execution/slurm/check.js';
import { cleanSpool } from '../../../src/execution/slurm/clean/clean-spool.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import { bytesOf } from '../../support/artifacts.js';
import { body } from '../local/sweep.js';
import { PATIENCE, useClusterSweeps } from './cluster-sweep.js';

const { rig, sweepOf, jobsNamed } = await useClusterSweeps({ minJobAgeSeconds: 20 });

const wait = (ms: number) => `return new Promise((resolve) => setTimeout(resolve, ${ms}));`;
const QUICK = body("capture.metric('x', params.x);");

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('a batch becomes one array, whose records are in the store when execute() returns', async () => {
  const sweep = sweepOf({ code: body("capture.metric('double', 2 * params.x);"), cases: 50 });
  expect(await sweep.executor.dealing(sweep.order())).toEqual({ at_once: 4, most: 1_000_000 });
  // A job of the user's own with a strange name hinders nothing.
  await rig.submit('sleep 2', ['--job-name=two\nlines']);
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
  expect(await jobsNamed(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
});

test('a set-up that fails is reported with its output', async () => {
  const sweep = sweepOf({
    code: QUICK,
    cases: 4,
    config: { setup: ['echo looking for gcc', 'cat /nowhere/gcc'] },
  });
  const failing = sweep.execute().catch((error) => error);
  expect(await failing).toMatchObject({ code: 'SET_UP' });
  expect((await failing).message).toContain('/nowhere/gcc');
});

test('a batch whose set-up failed is submitted as a new array when it is tried again', async () => {
  const marker = mkdtempSync(join(tmpdir(), 'metalab-marker-'));
  try {
    const config = { setup: [`ls '${marker}/module'`] };
    const sweep = sweepOf({ code: QUICK, cases: 4, config });
    expect(await sweep.execute().catch(({ code }) => code)).toBe('SET_UP');
    const first = sweep.last?.job;
    writeFileSync(join(marker, 'module'), '');
    // Another worker's attempt knows what is in the store.
    sweep.executor = sweep.makeExecutor();
    expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
    expect(sweep.last?.job).not.toBe(first);
    expect(await sweep.execute()).toMatchObject({ success: 4, left: [] });
    expect(await jobsNamed(`metalab-${sweep.token}-1`)).toHaveProperty('size', 1);
  } finally {
    rmSync(marker, { recursive: true });
  }
});

test('runs that wait behind a long run are executed by the other tasks of its array', async () => {
  const code = body(
    `fs.appendFileSync('executed', params.x + '\\n');
    const file = params.x === 0 ? 'go' : 'begun';
    if (params.x === 0) fs.writeFileSync('begun', '');
    while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));`,
    { async: true },
  );
  const sweep = sweepOf({ code, cases: 24, config: { chunk_size: 6 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.success, { ...PATIENCE, timeout: 270_000 }).toBe(23);
  expect(sweep.last?.running).toBeGreaterThan(0);
  sweep.work('go');
  expect(await running).toMatchObject({ success: 24, failed: 0, left: [] });
  expect(sweep.records.map(({ index }) => index)).toEqual([...Array(24).keys()]);
  expect(sweep.worked('executed')).toHaveLength(24);
  expect(sweep.arrays()).toEqual([sweep.token]);
}, 450_000);

test('checks report what a cluster lacks; env clean removes records only after they were fetched', async () => {
  const sweep = sweepOf({
    code: body("capture.artifact('a', String(params.x), { format: 'text' });"),
    cases: 6,
  });
  await sweep.execute();
  const transport = createShellTransport();
  const checks = await all(checkSlurm(sweep.environment, transport));
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checks.find(({ name }) => name === 'limits')?.detail).toContain('arrays of 1001 tasks');
  const nowhere = { ...sweep.environment, file_root: '/proc/nowhere' };
  const refused = await all(checkSlurm(nowhere, transport));
  expect(refused.find(({ ok }) => !ok)).toMatchObject({
    name: 'file_root',
    next: expect.stringContaining('file_root'),
  });
  const executor = { ...sweep.environment.executor, partition: 'nowhere' };
  const unwanted = await all(checkSlurm({ ...sweep.environment, executor }, transport));
  expect(unwanted.filter(({ ok }) => !ok)).toMatchObject([
    { name: 'job', detail: expect.stringContaining('nowhere'), next: expect.stringContaining('sinfo') },
  ]);
  const store = {
    experimentFolder: () => sweep.sweep.folder,
    unfinished: async (): Promise<string[]> => [],
  };
  const clean = () => all(cleanSpool(transport, sweep.environment, store));
  const spool = join(sweep.fileRoot, 'sweep@1');
  const [segment] = sweep.sweep.segments('records');
  const bytes = readFileSync(segment!);
  writeFileSync(segment!, bytes.toString().replace('success', 'failure'));
  expect(await clean()).toMatchObject([{ removed: false, why: expect.stringContaining('.ndjson') }]);
  expect(existsSync(spool)).toBe(true);
  writeFileSync(segment!, bytes);
  expect(await clean()).toMatchObject([{ experiment_id: 'sweep:1', removed: true }]);
  expect(existsSync(spool)).toBe(false);
  for (const { params, artifacts } of sweep.records)
    expect((await bytesOf(sweep.sweep.folder, artifacts[0]!)).toString()).toBe(String(params.x));
});

test('a run that does not fit its time limit is a failure that names the limit', async () => {
  const sweep = sweepOf({ code: body(wait(600_000)), cases: 1 });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.runs.length, PATIENCE).toBe(1);
  await rig.endTimeOf(`${sweep.last?.job}_0`);
  expect(await running).toMatchObject({ failed: 1, left: [] });
  const [record] = sweep.records;
  expect(record?.error?.message).toContain('time limit of 60 min');
  expect(record?.provenance).toMatchObject({ slurm_node: expect.stringMatching(/^n[12]$/), task: 0 });
});

test('runs that an earlier array of the submission has recorded are not executed again', async () => {
  const code = body("fs.appendFileSync('executed', params.x + '\\n');");
  const sweep = sweepOf({ code, cases: 20 });
  await sweep.execute({ ranges: [{ from: 5, to: 10 }] });
  const all = { token: 'fedcba9876543210', ranges: [{ from: 0, to: 20 }] };
  expect(await sweep.execute(all)).toMatchObject({ success: 20, left: [] });
  expect(sweep.worked('executed')).toHaveLength(20);
  // Nothing is left for a third: it is no job.
  expect(await sweep.execute({ ...all, token: 'f'.repeat(16) })).toMatchObject({ success: 20, left: [] });
  expect(await jobsNamed(`metalab-${'f'.repeat(16)}`)).toHaveProperty('size', 0);
});

test('tasks for which nothing is left do not delay the result, and leave the queue', async () => {
  const sweep = sweepOf({ code: QUICK, cases: 400 });
  const report = await sweep.execute();
  expect(report).toMatchObject({ success: 400, left: [] });
  expect(report.means.x?.n).toBe(400);
  const queued = async () => (await rig.run(['squeue', '-h', '-r', `--name=metalab-${sweep.token}`])).stdout;
  await expect.poll(queued, PATIENCE).toBe('');
  expect(sweep.records).toHaveLength(400);
});
