import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { body, type Sweep, useSweeps } from '../../local/sweep.js';
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

/** The first run lasts until there is a file `go`, the others until the first has begun. */
const longFirst = (wait: string) =>
  body(
    `fs.appendFileSync('executed', params.x + '\\n');
    const file = params.x === 0 ? 'go' : 'begun';
    if (params.x === 0) fs.writeFileSync('begun', '');
    while (!fs.existsSync(file)) ${wait};`,
    { async: true },
  );

describe('what waits behind a long run of a task is done by tasks of its array that have nothing left', () => {
  test.each([
    ['that waits', 1, 'await new Promise((resolve) => setTimeout(resolve, 20))'],
    ['that blocks its thread', 1, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)'],
    ['in one of two slots', 2, 'await new Promise((resolve) => setTimeout(resolve, 20))'],
  ])(
    '%s',
    async (_, slots, wait) => {
      start({ code: longFirst(wait), cases: 24 });
      const array = new TestArray(sweep, { per_task: 8, slots });
      const tasks = [0, 1, 2].map((task) => array.start(task));
      await vi.waitFor(() => expect(executed()).toHaveLength(24), { timeout: 180_000, interval: 50 });
      expect(array.hasEnd(0)).toBe(false);
      writeFileSync(work('go'), '');
      await Promise.all(tasks.map(({ finished }) => finished));

      expect(executed().sort(byNumber)).toEqual(upTo(24));
      expect(sweep.records().map(({ index }) => index)).toEqual(upTo(24));
      const ends = [0, 1, 2].map((task) => array.end(task));
      expect(ends.map(({ how, left }) => [how, left])).toEqual(ends.map(() => ['done', []]));
      const had = ends.flatMap(({ task, had: told }) => told ?? [{ from: 8 * task, to: 8 * task + 8 }]);
      const positions = had.flatMap(({ from, to }) => upTo(to).slice(from));
      expect(positions.sort(byNumber)).toEqual(upTo(24));

      // Neither the task, queued again, nor another array does again what others did of its block.
      expect(await array.run(0, { restart: 1 })).toMatchObject({ how: 'done', success: 0 });
      const later = new TestArray(sweep, { ranges: [{ from: 0, to: 8 }] }, 'b'.repeat(16));
      expect(await later.run()).toMatchObject({ how: 'done', success: 0, recorded_before: 8 });
      expect(executed()).toHaveLength(24);
    },
    120_000,
  );
});

test('a task that has nothing left does not wait for others where some have not begun', async () => {
  start({ code: longFirst('await new Promise((resolve) => setTimeout(resolve, 20))'), cases: 24 });
  const array = new TestArray(sweep, { per_task: 8 });
  array.start(0);
  // Nobody starts the third: on a cluster it waits for the place of this one.
  await array.run(1);
  expect(existsSync(join(array.folder, 'asks'))).toBe(false);
}, 180_000);
