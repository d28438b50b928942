import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HashedFile } from '../../../src/definition/declaration.js';
import { sha256 } from '../../../src/identity/fingerprint.js';
import { body, buildRunner, Sweep, type SweepOptions } from './sweep.js';

let built: Awaited<ReturnType<typeof buildRunner>>;
let sweep: Sweep;
const start = (options: SweepOptions) => {
  sweep = new Sweep(built.runner, options);
  return sweep;
};

beforeAll(async () => {
  built = await buildRunner();
});
afterEach(() => sweep.remove());
afterAll(() => built.remove());

const slotPid = () =>
  Number(/-(\d+)-[0-9a-f]+$/.exec(sweep.segments('records').at(-1)!.replace('.ndjson', ''))![1]);
const isUp = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  for (const end = Date.now() + ms; !condition(); await sleep(20)) {
    if (Date.now() > end) throw new Error('it did not come to that in time');
  }
}

/** Runs of 0.2 ms, each of which says that it was executed. */
const BUSY = body(
  "fs.appendFileSync('executed', params.x + '\\n'); const end = performance.now() + 0.2; while (performance.now() < end) {}",
);

describe('a slot that is killed in the middle of a chunk', () => {
  test('every position is recorded once, and none is executed again after it was recorded', async () => {
    start({ code: BUSY, cases: 5_000 });
    const running = sweep.run();
    await until(
      () => existsSync(join(sweep.root, 'executed')) && statSync(join(sweep.root, 'executed')).size > 4_000,
    );
    process.kill(slotPid(), 'SIGKILL');
    const report = await running;
    const records = sweep.records();
    expect(records.map(({ index }) => index)).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
    expect(report).toMatchObject({
      next: 5_000,
      success: records.filter(({ status }) => status === 'success').length,
    });
    expect(report.success + report.failed).toBe(5_000);
    expect(report.failed).toBeLessThanOrEqual(1);
    // Only what was not yet flushed was done twice: at most 10 ms of runs.
    const executed = sweep.written('executed').trim().split('\n').length;
    expect(executed).toBeLessThan(5_000 + 100);
    expect(sweep.segments('records')).toHaveLength(2);
  });

  test('runs that a list plan names are recorded by their own cells and generations', async () => {
    const list = Array.from({ length: 40 }, (_, n) => [3 * n + 1, n % 3] as const);
    const code = body(
      "if (params.x === 61 && !fs.existsSync('died')) { fs.writeFileSync('died', ''); process.kill(process.pid, 'SIGKILL'); for (;;) {} }",
    );
    await start({ code, cases: 200, list, declaration: { retries: 1 } }).run();
    expect(sweep.records().map(({ index, generation }) => [index, generation])).toEqual(list);
    expect(
      sweep
        .records()
        .filter(({ attempt }) => attempt === 2)
        .map(({ index }) => index),
    ).toEqual([61]);
  });

  test('slots that die at import, before any run, are a fault of the place', async () => {
    start({ code: "process.kill(process.pid, 'SIGKILL');" });
    await expect(sweep.run()).rejects.toMatchObject({
      name: 'ExecutionFault',
      code: 'SLOT_CRASH',
      report: { next: 0 },
    });
  });
});

test('a slot whose parent is killed ends within 2 s, even while its thread is blocked', async () => {
  start({ code: body("fs.writeFileSync('pid', String(process.pid)); for (;;) {}") });
  const note = join(sweep.root, 'note');
  const parent = spawn(
    process.execPath,
    [
      '-e',
      `const { spawn } = require('node:child_process'); const fs = require('node:fs');
      const note = fs.openSync(${JSON.stringify(note)}, 'w+');
      const slot = spawn(process.execPath, [${JSON.stringify(built.runner)}], { stdio: ['ignore', 1, 2, 'ipc', note], detached: true, cwd: ${JSON.stringify(sweep.root)} });
      slot.on('message', () => slot.send({ type: 'chunk', order: { from: 0, to: 1, budget_ms: 1e6, lost: [] } }));
      slot.send({ type: 'setup', setup: ${JSON.stringify({ folder: sweep.folder, submission: 's1', declaration: 'declared', provenance: {}, scratch: '' })} });`,
    ],
    { stdio: 'ignore' },
  );
  await until(() => existsSync(join(sweep.root, 'pid')) && sweep.written('pid') !== '');
  const pid = Number(sweep.written('pid'));
  expect(isUp(pid)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => !isUp(pid), 2_000);
});

describe('the budget and stopping', () => {
  const slow = body("await new Promise((done) => setTimeout(done, 50)); capture.metric('x', 1);", {
    async: true,
  });

  test('past its budget a chunk starts no further run, and says where it stopped', async () => {
    const report = await start({ code: slow, cases: 100 }).run({ budget_ms: 300 });
    expect(report.next).toBeGreaterThan(2);
    expect(report.next).toBeLessThan(10);
    expect(sweep.records()).toHaveLength(report.next);
    expect((await sweep.run({ from: report.next, to: report.next + 2 })).next).toBe(report.next + 2);
    expect(sweep.segments('records')).toHaveLength(1);
  });

  test('however small the budget, one run is done', async () => {
    expect((await start({ code: slow, cases: 3 }).run({ budget_ms: 0 })).next).toBe(1);
  });

  test('when asked to yield, the run in progress is finished and no further one starts', async () => {
    start({ code: slow, cases: 1_000 });
    const running = sweep.run();
    await sleep(500);
    sweep.stop('yield');
    const report = await running;
    expect(report.next).toBeLessThan(50);
    expect(report).toMatchObject({ success: report.next, cancelled: 0 });
  });

  test('a sweep of short sync runs yields too', async () => {
    start({ code: BUSY, cases: 100_000 });
    const running = sweep.run();
    await sleep(500);
    sweep.stop('yield');
    const stopped = Date.now();
    const report = await running;
    expect(Date.now() - stopped).toBeLessThan(500);
    expect(report.next).toBeLessThan(20_000);
    expect(sweep.records()).toHaveLength(report.next);
  });

  test('when cancelled, the run in progress sees its signal and is recorded as cancelled', async () => {
    const code = `export default metalab.operation(async ({ runtime }) => {
      await new Promise((_, fail) => runtime.signal.addEventListener('abort', () => fail(runtime.signal.reason)));
    });`;
    start({ code, cases: 5 });
    const running = sweep.run();
    await sleep(500);
    sweep.stop('cancel');
    expect(await running).toMatchObject({ next: 1, cancelled: 1 });
    expect(sweep.record()).toMatchObject({ status: 'cancelled', error: null });
  });

  test('when cancelled, a run that is blocked is ended by force and recorded as cancelled', async () => {
    start({ code: body('for (;;) {}'), cases: 5 });
    const running = sweep.run();
    await sleep(500);
    sweep.stop('cancel');
    expect(await running).toMatchObject({ next: 1, cancelled: 1 });
    expect(sweep.record().status).toBe('cancelled');
  }, 15_000);

  test('a run of more than a second is shown as running, with its progress', async () => {
    const code = `export default metalab.operation(async ({ runtime }) => {
      runtime.progress(0.25); await new Promise((done) => setTimeout(done, 1_800));
    });`;
    await start({ code }).run();
    const running = sweep.shown.map((progress) => progress.running).filter((run) => run !== null);
    expect(running.at(-1)).toMatchObject({ position: 0, progress: 0.25 });
  });
});

describe('a file of the context that changes', () => {
  const setUp = (code: string, cases: number) => {
    start({ code, cases });
    const path = join(sweep.root, 'data.csv');
    writeFileSync(path, 'one');
    const stat = statSync(path);
    const file: HashedFile = {
      path,
      content_hash: sha256('one'),
      size_bytes: stat.size,
      mtime_ms: stat.mtimeMs,
      inode: stat.ino,
    };
    const { declaration } = sweep;
    writeFileSync(
      join(sweep.folder, 'declarations', 'declared.json'),
      JSON.stringify({ ...declaration, files: [file] }),
    );
    return path;
  };

  test('fails the runs from then on, naming it, without executing them', async () => {
    const path = setUp(
      body("fs.appendFileSync('executed', 'x'); if (params.x === 10) fs.writeFileSync('data.csv', 'two');"),
      50,
    );
    const report = await sweep.run();
    expect(report.next).toBe(50);
    const failed = sweep.records().filter(({ status }) => status === 'failed');
    expect(failed.map(({ index }) => index)).toEqual(expect.arrayContaining([10, 11, 49]));
    expect(failed[0]!.error).toMatchObject({ type: 'ContextChangedError' });
    expect(failed[0]!.error!.message).toContain(`${path} has changed`);
    expect(report).toMatchObject({ failed: failed.length, success: 50 - failed.length });
  });

  test('is noticed before the first run', async () => {
    const path = setUp(body("fs.appendFileSync('executed', 'x');"), 5);
    writeFileSync(path, 'two');
    expect(await sweep.run()).toMatchObject({ next: 5, failed: 5 });
    expect(existsSync(join(sweep.root, 'executed'))).toBe(false);
  });

  test('that is only touched changes nothing', async () => {
    const path = setUp(body(''), 5);
    utimesSync(path, 1, 1);
    expect(await sweep.run()).toMatchObject({ next: 5, success: 5 });
  });
});

describe('a place that fails', () => {
  test('a module that throws at import is a fault with the user’s stack', async () => {
    start({ code: "throw new Error('no such table');" });
    const fault = sweep.run();
    await expect(fault).rejects.toMatchObject({
      code: 'IMPORT',
      message: 'no such table',
      report: { next: 0 },
    });
    await expect(fault).rejects.toMatchObject({ error: { stack: expect.stringContaining('operation.mjs') } });
  });

  test('a working directory that is gone is a fault that names it', async () => {
    start({ code: body(''), declaration: { cwd: '/nowhere/at/all' } });
    await expect(sweep.run()).rejects.toMatchObject({
      code: 'SLOT_START',
      message: expect.stringContaining('/nowhere/at/all'),
    });
  });
});
