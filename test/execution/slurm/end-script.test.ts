import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { FIRST_ROUND, roundToken } from '../../../src/execution/slurm/array/rounds.js';
import { CLOSE_SCRIPT, parseFoundArrays } from '../../../src/execution/slurm/end/end-script.js';
import { projectWith } from '../../support/project.js';

const TOKEN = '0123456789abcdef';

test('arrays of every round of a batch are found, those that are over left out, and none is submitted afterwards', async () => {
  const [first, second, third] = [0, 1, 12].map((number) => roundToken(TOKEN, { ...FIRST_ROUND, number }));
  const project = await projectWith({
    [`arrays/${first}/submit/job`]: '7\n',
    [`arrays/${second}/submit/job`]: '8\n',
    [`arrays/${third}/array.json`]: '{}',
  });
  const close = (over: string) =>
    parseFoundArrays(
      execFileSync('sh', ['-c', CLOSE_SCRIPT, 'metalab', project.folder], { input: over, encoding: 'utf8' }),
    );
  const found = [
    { token: second, job: '8', unsure: 'no' },
    { token: third, job: null, unsure: 'no' },
  ];
  expect(close('')).toEqual([{ token: first, job: '7', unsure: 'no' }, ...found]);
  // It took the right to submit the third: asked again, it knows its own mark.
  expect(close(`${first}\n`)).toEqual(found);
});
