import { expect, test } from 'vitest';
import type { TaskEvidence } from '../../../src/execution/slurm/array/classify-failure.js';
import { isCancelledAsWhole } from '../../../src/execution/slurm/array/classify-failure.js';
import { meaningOf } from '../../../src/execution/slurm/queue/states.js';
import type { TaskHow } from '../../../src/execution/slurm/task/array-spec.js';

/** What is known of a task: Slurm's word, its own last one and when it said that. */
function task(state: string | undefined, how?: TaskHow, second = 0): { readonly evidence: TaskEvidence } {
  const status = state && { meaning: meaningOf(state), state, reason: '', nodes: '', accounted: undefined };
  const end = how && { how, updated_at: new Date(second * 1000).toISOString() };
  const missing = how === 'done' ? 0 : 1;
  return { evidence: { status, end, live: undefined, missing, first: [0] } as unknown as TaskEvidence };
}
const signalled = (second: number) => task('CANCELLED by 1000', 'signal', second);
const done = (second: number) => task(undefined, 'done', second);
const waiting = task('CANCELLED');

test.each([
  ['tasks that ran and tasks that waited', [done(1), signalled(5), signalled(6), waiting, waiting], true],
  ['tasks that waited, while others ran on', [done(9), waiting, waiting], true],
  ['its only task', [signalled(5)], true],
  [
    'some that ran, while others went on and ended by themselves',
    [signalled(5), done(9), signalled(5)],
    false,
  ],
  ['one of several', [done(1), done(2), signalled(5)], false],
  ['none, but Slurm has forgotten them', [task('GONE'), task('GONE')], false],
  ['none', [done(1), task('FAILED')], false],
])('an array of which somebody cancelled %s', (_, tasks, whole) => {
  expect(isCancelledAsWhole(tasks)).toBe(whole);
});
