import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { askWorkflow } from '../../../src/client/workflow/ask-workflow.js';

const rejected = (type: string, message: string) =>
  new WorkflowUpdateFailedError('Workflow Update failed', ApplicationFailure.nonRetryable(message, type));

/** Asks a workflow whose first answers are these failures. @returns its answer, how often it was asked, and what `raced` was */
async function ask(...failures: Error[]) {
  let asked = 0;
  const raced: boolean[] = [];
  const answer = await askWorkflow(
    async () => {
      const failure = failures[asked++];
      if (failure) throw failure;
      return 'enqueued';
    },
    (_, afterRace) => void raced.push(afterRace),
  );
  return { answer, asked, raced };
}

test('an update that its worker did not answer is sent again', async () => {
  // As Temporal's server 1.31 words it.
  const unprocessed = rejected(
    'UnprocessedUpdate',
    "Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is not supported by the worker.",
  );
  expect(await ask(unprocessed, unprocessed)).toEqual({
    answer: 'enqueued',
    asked: 3,
    raced: [false, false],
  });
});

test('an update that was rejected for another reason is not sent again: the error says why', async () => {
  await expect(ask(rejected('Other', 'no room'))).rejects.toMatchObject({
    code: 'METALAB_TEMPORAL',
    what: 'Temporal did not do what was asked: no room',
  });
});
