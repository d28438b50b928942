import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decidePlan } from '../../src/planning/decide.js';
import { tallyPlan } from '../../src/planning/tally.js';
import { allCells } from '../../src/storage/file/formats/plan-entries.js';
import { readRecords } from '../../src/storage/file/formats/records.js';
import { body, type Sweep, useSweeps } from '../execution/local/sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const RUNS = 5;
const NEWLINE = 10;

/** A sweep of five runs that is done: its one segment, and where its lines begin. */
async function done() {
  start({ code: body("capture.metric('y', 2 * params.x); capture.note('ü');"), cases: RUNS });
  await sweep.run();
  const [path] = sweep.segments('records') as [string];
  const bytes = readFileSync(path);
  const lines = [...bytes.entries()].filter(([, byte]) => byte === NEWLINE).map(([offset]) => offset + 1);
  return { path, bytes, ends: lines };
}

/** Cells that a submit would do now, and those that readers and settling know. */
async function know() {
  const { folder, declaration, declared } = sweep;
  const { entries, manifest } = await decidePlan(folder, declaration, declared, {
    fresh: false,
    keep_failed: false,
  });
  const planned = entries ? [...entries].map(([cell]) => cell) : range(0, manifest.positions);
  const read: number[] = [];
  for await (const { record } of readRecords(folder)) read.push(record.index);
  const { recorded } = await tallyPlan(folder, 's1', allCells(RUNS));
  return { planned, read, recorded };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const knowing = (whole: number) => ({
  planned: range(whole, RUNS),
  read: range(0, whole),
  recorded: whole,
});

describe('what a segment is missing is planned, and nothing else', () => {
  test('when it is torn at any byte of its last two lines, or has NUL bytes from there on', {
    timeout: 360_000,
  }, async () => {
    const { path, bytes, ends } = await done();
    for (let size = ends[RUNS - 3]!; size <= bytes.length; size++) {
      const whole = ends.filter((end) => end <= size).length;
      for (const tail of size % 10 === 0 ? [Buffer.alloc(0), Buffer.alloc(100)] : [Buffer.alloc(0)]) {
        writeFileSync(path, Buffer.concat([bytes.subarray(0, size), tail]));
        expect(await know(), `torn at byte ${size}`).toEqual(knowing(whole));
      }
    }
  });

  test('when there is garbage in its middle', async () => {
    const { path, bytes, ends } = await done();
    for (const garbage of [Buffer.from('#'), Buffer.from('\0'), Buffer.from('\n'), Buffer.from('}{')]) {
      const damaged = Buffer.from(bytes);
      for (let at = ends[1]! + 5; at < ends[2]! - 5; at += garbage.length) garbage.copy(damaged, at);
      writeFileSync(path, damaged);
      expect(await know()).toEqual({ planned: [2], read: [0, 1, 3, 4], recorded: 4 });
    }
  });

  test('when it is deleted', async () => {
    const { path } = await done();
    rmSync(path);
    expect(await know()).toEqual(knowing(0));
  });
});
