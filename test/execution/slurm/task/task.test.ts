import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { segmentsFolder } from '../../../../src/storage/file/layout.js';
import { BUSY, body, type Sweep, useSweeps } from '../../local/sweep.js';
import { TestArray } from './array.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});
const executed = () =>
  readFileSync(join(sweep.folder, 'work', 'executed'), 'utf8')
    .trim()
    .split('\n')
    .map(Number);

describe('the tasks of an array', () => {
  test('do every position once', async () => {
    start({ code: BUSY, cases: 25 });
    const array = new TestArray(sweep, { tasks: 3 });
    const ends = await Promise.all([0, 1, 2].map((task) => array.run(task)));
    expect(ends.map(({ how, holds }) => [how, holds])).toEqual(ends.map(() => ['done', []]));
    expect(array.free()).toEqual([]);
    expect(ends.reduce((sum, { success }) => sum + success, 0)).toBe(25);
    expect(executed().sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, x) => x));
    expect(sweep.records().map(({ index }) => index)).toEqual(Array.from({ length: 25 }, (_, x) => x));
  });

  test('do the ranges of a plan that is a list, and tell what Slurm called them in every record', async () => {
    start({
      code: body("capture.metric('x', params.x);"),
      cases: 10,
      list: [0, 3, 4, 8, 9].map((cell) => [cell, 1] as const),
    });
    const array = new TestArray(sweep, {
      ranges: [
        { from: 1, to: 2 },
        { from: 3, to: 5 },
      ],
      tasks: 2,
      chunk_size: 2,
    });
    await array.run(0);
    await array.run(1);
    expect(sweep.records().map(({ index, metrics, generation }) => [index, metrics.x, generation])).toEqual([
      [3, 3, 1],
      [8, 8, 1],
      [9, 9, 1],
    ]);
    expect(sweep.records()[0]!.provenance).toMatchObject({
      executor: 'slurm',
      environment: 'cluster',
      job: '12_0',
      task: 0,
      slurm_node: 'n1',
      node: process.versions.node,
      partition: 'debug',
      metalab: '0.0.0',
    });
    const { task_elapsed_ms, max_rss_bytes } = sweep.records()[0]!.provenance;
    expect(task_elapsed_ms).toBeGreaterThan(10);
    expect(task_elapsed_ms).toBeLessThan(30_000);
    expect(max_rss_bytes).toBeGreaterThan(10 * 2 ** 20);
    expect(max_rss_bytes).toBeLessThan(2 ** 30);
    const names = readdirSync(segmentsFolder(sweep.folder, 's1'));
    expect(names.filter((name) => name.startsWith('0123456789abcdef.1.0-')).length).toBeGreaterThan(0);
  });

  test('use their slots at once, and none waits long at the end', async () => {
    const code = body(
      'const end = performance.now() + (params.x < 60 ? 5 : 400); while (performance.now() < end) {}',
    );
    start({ code, cases: 64 });
    const end = await new TestArray(sweep, { slots: 2 }).run();
    expect(end).toMatchObject({ how: 'done', success: 64 });
    const busy = new Map<unknown, number>();
    const records = sweep.records();
    for (const { provenance, duration_ms } of records)
      busy.set(provenance.slot, (busy.get(provenance.slot) ?? 0) + duration_ms);
    expect(busy.size).toBe(2);
    // 1.9 s of work in pieces of one run at the end: nobody has more than one long run more than the other.
    const longest = Math.max(...records.map(({ duration_ms }) => duration_ms));
    expect(Math.max(...busy.values()) - Math.min(...busy.values())).toBeLessThan(2.2 * longest);
    expect(end.busy_ms).toBeGreaterThan(1_800);
  });

  test('that Slurm starts twice share their positions', async () => {
    start({ code: BUSY, cases: 50 });
    const array = new TestArray(sweep);
    await Promise.all([array.run(), array.run()]);
    expect(executed()).toHaveLength(50);
    expect((await array.start().finished).code).toBe(0);
    expect(executed()).toHaveLength(50);
  });

  test('know that they are no tasks where Slurm did not start them', async () => {
    start({ code: BUSY });
    const { code, output } = await new TestArray(sweep).start(0, { env: { SLURM_ARRAY_TASK_ID: undefined } })
      .finished;
    expect(code).toBe(1);
    expect(output).toContain('SLURM_ARRAY_TASK_ID and SLURM_ARRAY_JOB_ID are not set');
  });

  test('past their budget start no further run, and say what is left', async () => {
    const code = body('const end = performance.now() + 300; while (performance.now() < end) {}');
    start({ code, cases: 50 });
    const array = new TestArray(sweep, { budget_ms: 1_500 });
    const end = await array.run();
    expect(end.how).toBe('budget');
    expect(end.success).toBeGreaterThan(0);
    expect(end.success).toBeLessThan(8);
    expect(end.holds).toEqual([]);
    expect(array.free()).toEqual([{ from: end.success, to: 50 }]);
    expect(sweep.records()).toHaveLength(end.success);
  });
});
