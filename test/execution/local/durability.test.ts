import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePack } from '../../../src/storage/file/formats/pack.js';
import { listPacks } from '../../../src/storage/file/formats/packs.js';
import { bytesOf } from '../../support/artifacts.js';
import { until } from '../../support/until.js';
import { BUSY, body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const slotPid = () =>
  Number(/-(\d+)-[0-9a-f]+$/.exec(sweep.segments('records').at(-1)!.replace('.ndjson', ''))![1]);
const isUp = (pid: number) => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
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

  test('every artifact that a record names is whole in a pack, whose torn end is told', async () => {
    const code = body(
      `fs.appendFileSync('executed', params.x + '\\n'); capture.artifact('a', params.x + 'x'.repeat(5_000 * (params.x % 40)));
      const end = performance.now() + 0.2; while (performance.now() < end) {}`,
    );
    start({ code, cases: 3_000 });
    const running = sweep.run();
    await until(
      () => existsSync(join(sweep.root, 'executed')) && statSync(join(sweep.root, 'executed')).size > 2_000,
    );
    process.kill(slotPid(), 'SIGKILL');
    await running;
    const records = sweep.records().filter(({ status }) => status === 'success');
    expect(records.length).toBeGreaterThanOrEqual(2_999);
    for (const { params, artifacts } of records) {
      const x = params.x as number;
      expect((await bytesOf(sweep.folder, artifacts[0]!)).toString()).toBe(
        `${x}${'x'.repeat(5_000 * (x % 40))}`,
      );
    }
    const packs = await listPacks(sweep.folder);
    expect(new Set(packs.map((pack) => pack.replace(/\.\d+\.pack$/, ''))).size).toBe(2);
    for (const pack of packs) {
      const kinds = parsePack(readFileSync(join(sweep.folder, pack))).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'damaged')).toEqual([]);
      expect(kinds.slice(0, -1)).not.toContain('torn');
    }
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
      const slot = spawn(process.execPath, [${JSON.stringify(sweep.runner)}], { stdio: ['ignore', 1, 2, 'ipc', note], detached: true, cwd: ${JSON.stringify(sweep.root)} });
      slot.on('message', () => slot.send({ type: 'chunk', order: { from: 0, to: 1, budget_ms: 1e6, lost: [] } }));
      slot.send({ type: 'setup', setup: ${JSON.stringify({ folder: sweep.folder, submission: 's1', declaration: sweep.declared, provenance: {}, scratch: '' })} });`,
    ],
    { stdio: 'ignore' },
  );
  await until(() => existsSync(join(sweep.root, 'pid')) && sweep.written('pid') !== '');
  const pid = Number(sweep.written('pid'));
  expect(isUp(pid)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => !isUp(pid), 2);
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
