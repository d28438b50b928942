import { expect, test } from 'vitest';
import type { DerivedLine } from '../../../src/storage/file/formats/derived.js';
import { until } from '../../support/until.js';
import { type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

const GAP = { ref: 'experiment.ts#gap', code_fingerprint: 'a'.repeat(32) };

/** Runs that capture `loss` at steps, a file and data; `gap` is derived by the text. */
const derived = (text: string) => `
  import fs from 'node:fs';
  export default metalab.operation(({ params, capture }) => {
    fs.appendFileSync('executed', params.x + '\\n');
    if (params.x === 4) throw new Error('four');
    for (let step = 0; step < 3; step++) capture.metric('loss', params.x - step, { step });
    capture.data('point', { x: params.x });
    capture.artifact('list', [params.x]);
    capture.log('run ' + params.x);
  });
  export const derived = { gap: metalab.derive(async (run) => { ${text} }) };`;

const lines = () => sweep.lines<DerivedLine>('derived');
const executed = () => sweep.written('executed').trim().split('\n').map(Number);

test('metrics are derived of each successful run, from all that it left', async () => {
  start({
    code: derived(`
      const { steps, values } = await run.series('loss');
      const logs = [];
      for await (const { message } of run.logs()) logs.push(message);
      return { sum: values[0] + values[1] + values[2], steps: steps.length, x: (await run.data('point')).x,
        listed: (await run.artifact('list'))[0], logs: logs.join(), loss: run.metrics.loss, none: NaN };`),
    cases: 6,
    declaration: { derived: { gap: GAP } },
  });
  expect(await sweep.run()).toMatchObject({ success: 5, failed: 1 });
  const byRun = new Map(lines().map((line) => [line.run_id, line]));
  expect(byRun.size).toBe(5);
  for (const record of sweep.records()) {
    if (record.status === 'failed') continue;
    const { x } = record.params as { readonly x: number };
    expect(byRun.get(record.run_id)).toEqual({
      run_id: record.run_id,
      attempt: 1,
      generation: 0,
      derivation: 'gap',
      code: GAP.code_fingerprint,
      values: {
        sum: 3 * x - 3,
        steps: 3,
        x,
        listed: x,
        logs: `run ${x}`,
        loss: x - 2,
        none: { $numberDouble: 'NaN' },
      },
    });
  }
});

test.each([
  ['throws', 'throw new Error("no gap")', 'no gap'],
  ['takes longer than the timeout of runs', 'await new Promise(() => {})', 'took longer than 0.3 s'],
  ['returns a text', 'return "gap"', 'returned "gap"'],
])('a derivation that %s costs no run: it is noted', async (_, text, message) => {
  start({ code: derived(text), cases: 3, declaration: { derived: { gap: GAP }, timeout_ms: 300 } });
  expect(await sweep.run()).toMatchObject({ success: 3, failed: 0 });
  expect(lines().map(({ error }) => error?.message)).toEqual(Array(3).fill(expect.stringContaining(message)));
  expect(sweep.log()).toContainEqual(expect.stringContaining('warn: derived metrics gap: '));
  expect(executed()).toEqual([0, 1, 2]);
});

test.each([
  ['ends the process', 'process.exit(3)'],
  ['crashes it', 'process.abort()'],
  ['blocks its thread', 'for (;;) {}'],
])(
  'a derivation that %s costs no run, and none is executed twice',
  async (_, text) => {
    start({ code: derived(text), cases: 3, declaration: { derived: { gap: GAP }, timeout_ms: 300 } });
    expect(await sweep.run()).toMatchObject({ success: 3, failed: 0 });
    expect(sweep.records().map(({ status }) => status)).toEqual(['success', 'success', 'success']);
    expect(executed()).toEqual([0, 1, 2]);
  },
  60_000,
);

test('a sweep that is cancelled does not wait for a derivation', async () => {
  start({
    code: derived(`fs.writeFileSync('deriving', ''); await new Promise(() => {});`),
    cases: 3,
    declaration: { derived: { gap: GAP } },
  });
  const run = sweep.run();
  await sweep.untilWritten('deriving');
  sweep.stop('cancel');
  expect(await run).toMatchObject({ success: 1, failed: 0, cancelled: 0 });
});

test('a slot that is to stop after its run derives that one’s metrics first', async () => {
  start({
    code: derived(`const told = new Promise((resolve) => process.once('message', resolve));
      fs.writeFileSync('deriving', '');
      if (run.params.x === 0) await told;
      return { x: run.params.x };`),
    cases: 3,
    declaration: { derived: { gap: GAP } },
  });
  const run = sweep.run();
  await sweep.untilWritten('deriving');
  sweep.stop('yield');
  expect(await run).toMatchObject({ next: 1, success: 1 });
  await until(() => lines().length === 1);
  expect(lines()[0]).toMatchObject({ values: { x: 0 } });
});
