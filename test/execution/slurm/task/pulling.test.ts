import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { until } from '../../../support/until.js';
import { BUSY, body, type Sweep, useSweeps } from '../../local/sweep.js';
import { TestArray } from './array.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});
const work = (name: string) => join(sweep.folder, 'work', name);
const executed = () =>
  existsSync(work('executed')) ? readFileSync(work('executed'), 'utf8').trim().split('\n').map(Number) : [];
const upTo = (count: number) => Array.from({ length: count }, (_, x) => x);
const byNumber = (a: number, b: number) => a - b;

/** One run lasts until there is a file `go`; those after it until it has begun. */
const longRun = (x: number, wait: string) =>
  body(
    `fs.appendFileSync('executed', params.x + '\\n');
    const file = params.x === ${x} ? 'go' : 'begun';
    if (params.x === ${x}) fs.writeFileSync('begun', '');
    while (params.x >= ${x} && !fs.existsSync(file)) ${wait};`,
    { async: true },
  );
const SLEEP = 'await new Promise((resolve) => setTimeout(resolve, 20))';
const BLOCK = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)';

describe('no run waits behind a long run while a task of its array has nothing to do', () => {
  test.each([
    ['that is the first, and waits', 0, 1, 24, SLEEP],
    ['that is the first, and blocks its thread', 0, 1, 24, BLOCK],
    ['that is the first of several in a slot, and blocks its thread', 1, 1, 24, BLOCK],
    ['in one of two slots', 0, 2, 24, SLEEP],
    ['among many short ones', 300, 1, 3_000, SLEEP],
  ])(
    '%s',
    async (_, x, slots, cases, wait) => {
      start({ code: longRun(x, wait), cases });
      const array = new TestArray(sweep, { tasks: 3, slots });
      const tasks = [0, 1, 2].map((task) => array.start(task));
      await vi.waitFor(() => expect(executed()).toHaveLength(cases), { timeout: 180_000, interval: 50 });
      await vi.waitFor(() => expect([0, 1, 2].filter((task) => array.hasEnd(task))).toHaveLength(2), {
        timeout: 60_000,
      });
      writeFileSync(work('go'), '');
      await Promise.all(tasks.map(({ finished }) => finished));

      expect(executed().sort(byNumber)).toEqual(upTo(cases));
      expect(sweep.records().map(({ index }) => index)).toEqual(upTo(cases));
      const ends = [0, 1, 2].map((task) => array.end(task));
      expect(ends.map(({ how, holds }) => [how, holds])).toEqual(ends.map(() => ['done', []]));
    },
    240_000,
  );
});

test('a task that is killed leaves to others what it had not taken, and its restart does what it held', async () => {
  start({ code: BUSY.replace('0.2', '30'), cases: 120 });
  const array = new TestArray(sweep, { tasks: 2 });
  const killed = array.start(0);
  await until(() => executed().length > 20);
  killed.kill('SIGKILL');
  await killed.finished;
  const held = array.live()!.holds!;
  expect(await array.run(1)).toMatchObject({ how: 'done' });
  expect(array.free()).toEqual([]);
  const missing = upTo(120).filter((x) => !sweep.records().some(({ index }) => index === x));
  expect(missing.length).toBeGreaterThan(0);
  expect(missing.every((x) => held.some(({ from, to }) => from <= x && x < to))).toBe(true);
  expect(await array.run(0, { restart: 1 })).toMatchObject({ how: 'done', success: missing.length });
  expect(sweep.records().map(({ index }) => index)).toEqual(upTo(120));
  // The run in progress began twice.
  expect(executed().length).toBeLessThanOrEqual(121);
}, 60_000);

test('a task that begins when nothing is left ends at once, without a slot', async () => {
  start({ code: BUSY, cases: 40 });
  const array = new TestArray(sweep, { tasks: 3 });
  await array.run(0);
  const segments = sweep.segments('records').length;
  const late = await array.run(2);
  expect(late).toMatchObject({ how: 'done', success: 0, holds: [] });
  expect(late.elapsed_ms).toBeLessThan(2_000);
  expect(sweep.segments('records')).toHaveLength(segments);
});

test('a task takes no run that would not end before its time limit', async () => {
  const code = body('const end = performance.now() + 2_000; while (performance.now() < end) {}');
  start({ code, cases: 8 });
  const array = new TestArray(sweep, { tasks: 2, budget_ms: 5_500 });
  const end = await array.run();
  expect(end).toMatchObject({ how: 'budget', holds: [], cut: [] });
  expect(end.success).toBeLessThanOrEqual(2);
  expect(end.elapsed_ms).toBeLessThan(5_500);
  expect(array.left().reduce((sum, { from, to }) => sum + to - from, 0)).toBe(8 - end.success);
}, 30_000);

test('a task takes only as many isolated runs as it can start processes for', async () => {
  start({ code: BUSY.replace('0.2', '0'), cases: 10_000, declaration: { isolate: true } });
  const array = new TestArray(sweep);
  const task = array.start();
  const held = () => array.live()?.holds?.[0];
  await until(() => (held()?.from ?? 0) > 0);
  expect(held()!.to - held()!.from).toBeLessThan(60);
  task.kill('SIGTERM');
  await task.finished;
});
