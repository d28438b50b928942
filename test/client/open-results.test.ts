import { expect, test } from 'vitest';
import type { Groups, RunStatus } from '../../src/index.js';
import { metalab } from '../support/metalab.js';
import { runForLines, scriptsWith } from './script.js';

const OPERATION = `
import { operation } from 'metalab';
export const measure = operation(({ params, seeds, capture }) => {
  if (params.x === 3) throw new Error('too large');
  for (let step = 0; step < 3; step++) capture.metric('loss', params.x / (step + 1), { step });
  capture.artifact('point', { x: params.x });
});`;

const sweep = (x: string, base: number) => `
import { experiment, grid, seeds } from 'metalab';
import { measure } from './operation.mjs';
export const exp = experiment({
  name: 'curves', version: '1', operation: measure, params: grid({ x: ${x} }), seeds: seeds({ base: ${base}, replicates: 2 }),
});`;

test('a program has the results of what it ran, and later those of the store, without a server', async () => {
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    'sweep.mjs': sweep('[1, 2, 3]', 1),
    'main.mjs': `
      import { run } from 'metalab';
      import { exp } from './sweep.mjs';
      const results = await run(exp, { store: 'experiments' });
      const { success, failed } = results.outcome;
      const errors = [];
      for await (const { params, error } of results.failed().runs()) errors.push([params.x, error.message]);
      const groups = await results.groupBy('x').stats('loss', ['mean']);
      await results.close();
      console.log(JSON.stringify({ success, failed, errors, groups, summary: (await results.summary()).statuses }));
      await results.close();`,
    'later.mjs': `
      import { openResults } from 'metalab';
      const results = await openResults('experiments', 'curv');
      const runs = [];
      for await (const run of results.successful().limit(1).runs())
        runs.push({ x: run.params.x, curve: await run.series('loss'), point: await run.artifact('point') });
      console.log(JSON.stringify({ count: await results.count(), all: await results.all().count(), runs }));
      await results.close();`,
  });
  const [first] = await runForLines<{
    readonly success: number;
    readonly failed: number;
    readonly errors: unknown;
    readonly groups: Groups;
    readonly summary: { readonly [status in RunStatus]: number };
  }>(project, 'main.mjs');
  expect(first).toMatchObject({ success: 4, failed: 2, summary: { success: 4, failed: 2, cancelled: 0 } });
  expect(first!.errors).toEqual([
    [3, 'too large'],
    [3, 'too large'],
  ]);
  expect(first!.groups.groups.map(({ keys, n, left_out }) => [keys[0], n, left_out])).toEqual([
    [1, 2, 0],
    [2, 2, 0],
    [3, 0, 2],
  ]);

  // Another seed base and a smaller grid: what was asked for last is what is shown.
  await project.write({ 'sweep.mjs': sweep('[2]', 5) });
  await runForLines(project, 'main.mjs');
  // Nothing answers there.
  const [later] = await runForLines<object>(project, 'later.mjs', { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  expect(later).toEqual({
    count: 2,
    all: 8,
    runs: [{ x: 2, curve: { steps: [0, 1, 2], values: [2, 1, 2 / 3] }, point: { x: 2 } }],
  });
  const listed = JSON.parse((await metalab(['list', '--json', '--store', project.store])).stdout);
  expect(listed[0]).toMatchObject({ runs: { success: 2, failed: 0 }, older: 6 });
});
