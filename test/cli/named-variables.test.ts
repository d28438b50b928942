import { expect, test } from 'vitest';
import { resultsJson, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

test("runs see the submitter's variables for devices and threads, and a warning names the other variables that they read", async () => {
  const project = await projectWith({
    'experiment.ts': `
      import { experiment, grid, operation, seeds } from 'metalab';
      import { hidden } from './hidden.ts';
      export const op = operation(({ capture }) => {
        const { OMP_NUM_THREADS: threads, NAMED_HERE: named } = process.env;
        capture.metrics({ gpu: process.env.CUDA_VISIBLE_DEVICES ?? 'unset', threads: threads ?? 'unset', named: named ?? 'unset', hidden: hidden() });
      });
      export default experiment({
        name: 'vars', version: '1', operation: op, params: grid({ x: [1] }), seeds: seeds({ base: 1 }), env: ['NAMED_HERE'],
      });`,
    'hidden.ts': `
      export const hidden = () => process.env['HIDDEN_HERE'] ?? 'unset';
      export const unused = () => process.env.NOBODY_READS_IT;`,
  });
  const submit = (devices: string) =>
    submitJson([project.path('experiment.ts'), '--store', project.store], {
      env: { CUDA_VISIBLE_DEVICES: devices, OMP_NUM_THREADS: '2', NAMED_HERE: 'n', HIDDEN_HERE: 'h' },
    });
  const { stderr, outcome } = await submit('1');
  expect(outcome, stderr).toMatchObject({ success: 1 });
  expect(stderr.match(/warning: .*environment variables.*/g)).toEqual([
    expect.stringMatching(
      /hidden\.ts reads environment variables that runs do not see: HIDDEN_HERE\. .*env: \['HIDDEN_HERE'\]/,
    ),
  ]);
  const [record] = await resultsJson('vars', project.store);
  expect(record).toMatchObject({ metrics: { gpu: '1', threads: '2', named: 'n', hidden: 'unset' } });
  // They are no part of identity.
  expect((await submit('0')).outcome).toMatchObject({ reused: 1, executed: 0 });
});
