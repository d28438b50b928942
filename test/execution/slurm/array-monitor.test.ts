import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { checkSlurm } from '../../../src/execution/slurm/check.js';
import { cleanSpool } from '../../../src/execution/slurm/clean/clean-spool.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import type { Transport } from '../../../src/transport/transport.js';
import { lostError } from '../../../src/transport/transport-error.js';
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
  for (const sweep of made.splice(0)) await sweep.remove();
  await rig.run(['scancel', '--user=root']);
  await new Promise((resolve) => setTimeout(resolve, 500));
});
afterAll(() => rig?.down());

/** Less than a test has: what was not seen is told. */
const PATIENCE = { timeout: 150_000, interval: 100 };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Its connection breaks after the next command whose words or output hold the first of `lose`. */
function lossySweepOf(options: ClusterSweepOptions): {
  readonly sweep: ClusterSweep;
  readonly lose: string[];
} {
  const lose: string[] = [];
  const shell = createShellTransport();
  const broken = (text: string) =>
    lose[0] !== undefined && text.includes(lose[0]) && lose.shift() !== undefined;
  const transport: Transport = {
    ...shell,
    run: async (command, asked) => {
      const result = await shell.run(command, asked);
      if (broken(`${command.join(' ')} ${result.stdout}`)) throw lostError('the rig');
      return result;
    },
    stream: async (command, asked) => {
      const { stdout, ended } = await shell.stream(command, asked);
      async function* cut() {
        for await (const piece of stdout) {
          const whole = !(lose[0] === '@bytes' && piece.length > 1_000 && lose.shift());
          yield whole ? piece : piece.subarray(0, piece.length / 2);
          if (!whole) throw lostError('the rig');
        }
      }
      return { stdout: cut(), ended };
    },
  };
  const sweep = new ClusterSweep(transport, options);
  made.push(sweep);
  return { sweep, lose };
}

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
  expect(await jobs(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
});

test('the same token is the same array, and nothing is submitted twice', async () => {
  const sweep = sweepOf({ code: body(wait(3000)), cases: 4 });
  const first = sweep.execute().catch((error) => error.code);
  await expect.poll(() => sweep.last?.running, PATIENCE).toBeGreaterThan(0);
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
  await expect.poll(() => sweep.last?.runs.length, PATIENCE).toBe(4);
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
  expect(await failing).toMatchObject({ code: 'SET_UP' });
  expect((await failing).message).toContain('/nowhere/gcc');
});

test('what failed by its place is submitted anew when it is tried again', async () => {
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
    expect(await jobs(`metalab-${sweep.token}-1`)).toHaveProperty('size', 1);
  } finally {
    rmSync(marker, { recursive: true });
  }
});

test('tasks cancelled behind its back are left, and go round again', async () => {
  // Those that are cancelled last until they are, however long that takes to be asked for.
  const long = "[1, 5].includes(params.x) && !fs.existsSync('again') ? 60_000 : 4_000";
  const code = body(
    `fs.writeFileSync('started-' + params.x, ''); await new Promise((resolve) => setTimeout(resolve, ${long}));`,
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

test('a paused array starts no further run, and goes on when it is resumed', async () => {
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

test('whether it is paused is asked more often than the cluster is, where nothing happens there', async () => {
  const sweep = sweepOf({ code: body(wait(120_000)), cases: 1, config: { chunk_size: 1 } });
  const running = sweep.execute();
  await expect.poll(() => sweep.last?.running, PATIENCE).toBe(1);
  // Each look at the cluster is told of once.
  await expect.poll(() => sweep.pauseQuestions - sweep.progress.length, PATIENCE).toBeGreaterThan(3);
  sweep.stop('cancel');
  await running;
}, 360_000);

test('what waits behind a long run is done by the other tasks of its array meanwhile', async () => {
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

test('a connection that breaks anywhere leads to one array and one record a run', async () => {
  const { sweep, lose } = lossySweepOf({ code: QUICK, cases: 40 });
  // After sbatch, twice, so that its answer is lost; and in the middle of what is collected.
  lose.push('mkdir submit', 'mkdir submit', '@bytes', '@bytes');
  expect(await sweep.execute()).toMatchObject({ success: 40, left: [] });
  expect(lose).toEqual([]);
  expect(await jobs(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
  expect(sweep.records.map(({ index }) => index)).toEqual([...Array(40).keys()]);
});

test('what is still being submitted when its sweep is cancelled starts no run', async () => {
  const shell = createShellTransport();
  let stop: (() => void) | undefined;
  // Its connection is lost while sbatch, which takes its time, goes on.
  const transport: Transport = {
    ...shell,
    run: async (command, asked) => {
      const cancel = command.some((word) => word.includes('sbatch --parsable')) ? stop : undefined;
      if (!cancel) return shell.run(command, asked);
      stop = undefined;
      void shell.run(['env', `PATH=${slow}:${process.env.PATH}`, ...command]).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1000));
      cancel();
      throw lostError('the rig');
    },
  };
  const sweep = new ClusterSweep(transport, { code: QUICK, cases: 4, config: { chunk_size: 1 } });
  made.push(sweep);
  stop = () => sweep.stop('cancel');
  const slow = join(sweep.sweep.root, 'slow');
  mkdirSync(slow);
  writeFileSync(join(slow, 'sbatch'), `#!/bin/sh\nsleep 5\nPATH='${process.env.PATH}' exec sbatch "$@"\n`, {
    mode: 0o755,
  });
  const name = `metalab-${sweep.token}`;
  expect(await sweep.execute()).toMatchObject({ success: 0, failed: 0, left: [{ from: 0, to: 4 }] });
  await expect.poll(() => jobs(name), PATIENCE).toHaveProperty('size', 1);
  const going = async () =>
    (await rig.run(['squeue', '-h', `--name=${name}`])).stdout.trim() === '' ? 'none' : 'some';
  await expect.poll(going, PATIENCE).toBe('none');
  await sweep.executor.collect({ folder: sweep.sweep.folder, experiment_id: 'sweep:1' });
  // Nothing has recorded anything.
  expect(existsSync(join(sweep.sweep.folder, 'segments', 's1'))).toBe(false);
});

test('a submission of which nothing is known but that it was begun is found by its name, or begun anew', async () => {
  const sweep = sweepOf({ code: QUICK, cases: 4 });
  const folder = join(sweep.fileRoot, 'sweep@1', 'submissions', 's1', 'arrays', sweep.token);
  // A job of that name is there, of which no note was made.
  await rig.submit('sleep 8', [`--job-name=metalab-${sweep.token}`, '--array=0-3']);
  mkdirSync(join(folder, 'submit'), { recursive: true });
  writeFileSync(join(folder, 'submit', 'by'), `${hostname()} 999999\n`);
  const report = await sweep.execute();
  expect(await jobs(`metalab-${sweep.token}`)).toHaveProperty('size', 1);
  expect(report).toMatchObject({ success: 0, left: [{ from: 0, to: 4 }] });
  // Nothing is there, and its owner is known to be gone.
  const token = 'aaaabbbbccccdddd';
  const other = folder.replace(sweep.token, token);
  mkdirSync(join(other, 'submit'), { recursive: true });
  writeFileSync(join(other, 'submit', 'by'), `${hostname()} 999999\n`);
  expect(await sweep.execute({ token })).toMatchObject({ success: 4, left: [] });
  expect(await jobs(`metalab-${token}`)).toHaveProperty('size', 1);
});

test('more than may be submitted goes in waves, without an error of sbatch', async () => {
  await rig.setLimits('user', { MaxSubmitJobs: 6 });
  try {
    const sweep = sweepOf({ code: QUICK, cases: 24, config: { chunk_size: 2 } });
    const { at_once, most } = await sweep.executor.dealing(24, sweep.order());
    expect({ at_once, most }).toEqual({ at_once: 3, most: 4 });
    const waves = [...Array(6).keys()].map((wave) =>
      sweep.execute({ token: `${wave}`.repeat(16), ranges: [{ from: 4 * wave, to: 4 * wave + 4 }] }),
    );
    const reports = await Promise.all(waves);
    expect(reports.map(({ success }) => success)).toEqual(Array(6).fill(4));
    expect(sweep.records).toHaveLength(24);
  } finally {
    await rig.setLimits('user', { MaxSubmitJobs: -1 });
  }
});

test('what a cluster lacks is told; what it recorded is fetched, and removed there only then', async () => {
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
  expect(readdirSync(join(sweep.sweep.folder, 'artifacts'))).toHaveLength(6);
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

test('what follows a pilot is packed by what its runs took, before it has ended', async () => {
  const sweep = sweepOf({ code: body(wait(250)), cases: 240 });
  const pilot = sweep.execute({ ranges: [{ from: 0, to: 120 }] });
  await vi.waitUntil(() => sweep.dealings.length > 0, PATIENCE);
  const token = 'fedcba9876543210';
  await sweep.execute({ token, ranges: [{ from: 120, to: 240 }] });
  await pilot;
  const folder = join(sweep.fileRoot, 'sweep@1', 'submissions', 's1', 'arrays', token);
  const { tasks } = JSON.parse(readFileSync(join(folder, 'array.json'), 'utf8')) as { tasks: number };
  // Of runs of which nothing is known it would be a task each.
  expect(tasks).toBeLessThanOrEqual(12);
  expect(sweep.records).toHaveLength(240);
}, 360_000);
