import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cancelFile, yieldFile } from '../../../../src/execution/slurm/task/array-files.js';
import { until } from '../../../support/until.js';
import { BUSY, body, type Sweep, useSweeps } from '../../local/sweep.js';
import { TestArray } from './array.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});
const work = (name: string) => join(sweep.folder, 'work', name);
const lines = (name: string) =>
  existsSync(work(name)) ? readFileSync(work(name), 'utf8').trim().split('\n') : [];
const isUp = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** Runs that say who does them; those from 3 on take long. */
const LONG = body(
  `fs.appendFileSync('pids', process.pid + '\\n'); fs.appendFileSync('executed', params.x + '\\n');
   fs.writeFileSync(args.runtime.scratchDir + '/scratch', '');
   if (params.x >= 3) await new Promise((resolve) => setTimeout(resolve, 30_000));`,
  { async: true },
);

describe('a task that is killed', () => {
  test('leaves no slot behind, and its restart does only what is not recorded', async () => {
    start({ code: BUSY.replace('0.2', '40'), cases: 100 });
    const array = new TestArray(sweep, { slots: 2 });
    const first = array.start();
    await until(() => lines('executed').length > 30);
    first.kill('SIGKILL');
    await first.finished;
    const slots = new Set(
      sweep.segments('records').map((path) => Number(/-(\d+)-[0-9a-f]+\.ndjson$/.exec(path)![1])),
    );
    expect(slots.size).toBe(2);
    await until(() => ![...slots].some(isUp));
    const recorded = sweep.records().length;
    const end = await array.run(0, { restart: 1 });
    expect(end).toMatchObject({
      how: 'done',
      restart: 1,
      success: 100 - recorded,
    });
    expect(recorded).toBeGreaterThan(20);
    expect(sweep.records().map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, x) => x));
    // Only the runs that were in progress, one a slot, began twice.
    expect(lines('executed').length).toBeLessThanOrEqual(102);
    expect(array.hasEnd(0, 0)).toBe(false);
  });

  test.each([1, 2])('by its first run has written before what its slots start with (%i)', async (slots) => {
    const first = "if (params.x === 0) process.kill(process.ppid, 'SIGKILL');";
    start({
      code: body(`${first} const end = performance.now() + 500; while (performance.now() < end) {}`),
      cases: 8,
    });
    const array = new TestArray(sweep, { slots });
    await array.start().finished;
    const parts = [0, 1].slice(0, slots).map((from) => ({ from, to: from + 1 }));
    expect(array.live()!.holds).toEqual(parts);
  });

  test('and restarted while its former process lives gives the same final records', async () => {
    start({ code: BUSY.replace('0.2', '10'), cases: 60 });
    const array = new TestArray(sweep);
    const [zombie, second] = await Promise.all([array.run(0), array.run(0, { restart: 1 })]);
    expect([zombie.how, second.how]).toEqual(['done', 'done']);
    expect(new Set(sweep.records().map(({ run_id }) => run_id)).size).toBe(60);
  });
});

describe('a task that Slurm ends', () => {
  test('reports the runs that were in progress, and records none of them as failed', async () => {
    start({ code: LONG, cases: 10 });
    const array = new TestArray(sweep, { slots: 2 });
    const task = array.start(0, { env: { TMPDIR: sweep.root } });
    await until(() => lines('executed').length === 5);
    await until(() => sweep.records().length === 3);
    task.kill('SIGTERM');
    const { code, output } = await task.finished;
    expect(code).toBe(0);
    expect(output).toContain('2 in progress when it had to end');
    const end = array.end();
    expect(end).toMatchObject({ how: 'signal', success: 3, failed: 0, slots: [], fault: null });
    const long = lines('executed')
      .map(Number)
      .filter((x) => x >= 3);
    expect(end.cut.map(({ position }) => position).sort()).toEqual(long.sort());
    expect(end.cut.every(({ elapsed_ms }) => elapsed_ms >= 1_000 && elapsed_ms < 20_000)).toBe(true);
    expect(array.left().reduce((sum, { from, to }) => sum + to - from, 0)).toBe(7);
    expect(sweep.records().map(({ status }) => status)).toEqual(['success', 'success', 'success']);
    expect(lines('pids').some((pid) => isUp(Number(pid)))).toBe(false);
    expect(readdirSync(sweep.root).filter((name) => name.startsWith('metalab-'))).toEqual([]);
  });

  test('together with processes of its runs records no failure of those runs', async () => {
    const code = `import { spawn, spawnSync } from 'node:child_process'; import fs from 'node:fs';
      export default metalab.operation(async ({ params }) => {
        fs.appendFileSync('pids', process.pid + '\\n');
        if (params.x === 1) {
          const { signal } = spawnSync('sh', ['-c', 'echo $$ >> pids; exec sleep 30']);
          if (signal) throw new Error('the solver was ended by ' + signal);
        }
        const child = spawn('sh', ['-c', 'echo $$ >> pids; exec sleep 30']);
        await new Promise((resolve, reject) => child.on('exit', (_, signal) => reject(new Error('the solver was ended by ' + signal))));
      });`;
    start({ code, cases: 2 });
    const array = new TestArray(sweep, { slots: 2 });
    const task = array.start();
    await until(() => lines('pids').length === 4);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    // As Slurm does: every process of the task, those that were started last first.
    for (const pid of lines('pids')
      .map(Number)
      .sort((a, b) => b - a))
      process.kill(pid, 'SIGTERM');
    task.kill('SIGTERM');
    await task.finished;
    expect(array.end()).toMatchObject({ how: 'signal', success: 0, failed: 0 });
    expect(array.end().cut).toHaveLength(2);
    expect(existsSync(join(sweep.folder, 'segments', 's1')) ? sweep.records() : []).toEqual([]);
  });

  test("is not assumed when an operation's child signals its process group: a later failure is recorded", async () => {
    const code = `import { spawnSync } from 'node:child_process';
      export default metalab.operation(async ({ params }) => {
        if (params.x === 0) spawnSync('sh', ['-c', 'kill -TERM 0']);
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (params.x === 1) throw new Error('it has no solution');
      });`;
    start({ code, cases: 3 });
    const array = new TestArray(sweep);
    expect(await array.run()).toMatchObject({ how: 'done', success: 2, failed: 1 });
    expect(sweep.records().map(({ status }) => status)).toEqual(['success', 'failed', 'success']);
  });

  test('lets runs end that take only a moment', async () => {
    start({
      code: body(
        "fs.appendFileSync('executed', 'x'); await new Promise((resolve) => setTimeout(resolve, 500));",
        { async: true },
      ),
      cases: 5,
    });
    const array = new TestArray(sweep);
    const task = array.start();
    await until(() => lines('executed').length > 0);
    task.kill('SIGTERM');
    await task.finished;
    expect(array.end()).toMatchObject({ how: 'signal', success: 1, cut: [] });
    expect(array.left()).toEqual([{ from: 1, to: 5 }]);
    expect(sweep.records()).toHaveLength(1);
  });

  test('at its time limit says so', async () => {
    start({ code: LONG, cases: 5 });
    const array = new TestArray(sweep);
    const task = array.start(0, { env: { SLURM_JOB_END_TIME: String(Math.round(Date.now() / 1000) + 5) } });
    await until(() => lines('executed').length === 4);
    task.kill('SIGTERM');
    await task.finished;
    expect(array.end()).toMatchObject({ how: 'time', success: 3 });
    expect(array.end().cut).toMatchObject([{ position: 3 }]);
  });
});

describe('a task that is asked', () => {
  test('to yield starts no further run, and ends with the one in progress', async () => {
    start({
      code: body(
        "fs.appendFileSync('executed', 'x'); const end = performance.now() + 1500; while (performance.now() < end) {}",
      ),
      cases: 5,
    });
    const array = new TestArray(sweep);
    const task = array.start();
    await until(() => existsSync(work('executed')));
    writeFileSync(yieldFile(array.folder), '');
    await task.finished;
    expect(array.end().how).toBe('yield');
    expect(array.end().success).toBeLessThan(4);
    expect(array.end().cut).toEqual([]);
    expect(sweep.records()).toHaveLength(array.end().success);
  });

  test('to yield before it begins does nothing', async () => {
    start({ code: BUSY, cases: 5 });
    const array = new TestArray(sweep);
    writeFileSync(yieldFile(array.folder), '');
    expect(await array.run()).toMatchObject({ how: 'yield', success: 0, holds: [] });
    expect(array.free()).toEqual([{ from: 0, to: 5 }]);
    expect(existsSync(work('executed'))).toBe(false);
  });

  test('to cancel aborts the runs in progress, whose records say so', async () => {
    const code = body(
      `fs.appendFileSync('executed', params.x + '\\n');
       await new Promise((_, reject) => args.runtime.signal.addEventListener('abort', () => reject(args.runtime.signal.reason)));`,
      { async: true },
    );
    start({ code, cases: 5 });
    const array = new TestArray(sweep, { slots: 2 });
    const task = array.start();
    await until(() => lines('executed').length === 2);
    writeFileSync(cancelFile(array.folder), '');
    // scancel follows: it changes nothing.
    setTimeout(() => task.kill('SIGTERM'), 100);
    await task.finished;
    expect(array.end()).toMatchObject({ how: 'cancel', cancelled: 2, cut: [] });
    expect(sweep.records().map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  test('writes its progress every two seconds', async () => {
    start({ code: LONG, cases: 5 });
    const array = new TestArray(sweep);
    const task = array.start();
    await until(() => array.live()?.slots[0]?.position === 3);
    expect(array.live()).toMatchObject({
      task: 0,
      restart: 0,
      job: '12',
      job_id: '12',
      node: 'n1',
      success: 3,
    });
    // How many positions it took at once depends on how fast the machine is.
    const [held] = array.live()!.holds ?? [];
    expect(held!.from).toBeLessThanOrEqual(3);
    expect(held!.to).toBeGreaterThan(3);
    expect(array.live()!.slots).toMatchObject([{ position: 3, attempt: 1 }]);
    expect(array.live()!.peak_rss_bytes).toBeGreaterThan(10 * 2 ** 20);
    task.kill('SIGTERM');
    await task.finished;
  });
});
