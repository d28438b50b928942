import { ApplicationFailure, asyncLocalStorage, type Context } from '@temporalio/activity';
import { expect, it } from 'vitest';
import { mapFailures } from '../../src/activities/failures.js';
import { FAULT } from '../../src/contract/workflow.js';
import { ExecutionFault } from '../../src/execution/execution-fault.js';

/** What the workflow gets of an activity that throws this. */
async function failureOf(thrown: Error, attempt = 1): Promise<ApplicationFailure> {
  const context = { info: { attempt } } as Context;
  const failing = asyncLocalStorage.run(context, () => mapFailures(() => Promise.reject(thrown)));
  const failure: unknown = await failing.catch((error: unknown) => error);
  if (!(failure instanceof ApplicationFailure)) throw new Error(`no failure of Temporal's: ${failure}`);
  return failure;
}

const fault = (code: string) =>
  new ExecutionFault(
    code,
    { type: 'ClusterError', message: 'partition "x" is gone' },
    { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} },
  );

it('what has no room is waited for, whatever was being written', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(await failureOf(full)).toMatchObject({
    type: FAULT.storeUnwritable,
    nonRetryable: true,
    message: expect.stringContaining('the disk is full'),
  });
});

it("a place's fault is tried again a few times, then ends the submission in its own words", async () => {
  expect(await failureOf(fault('RESOURCES'))).toMatchObject({ type: FAULT.execution, nonRetryable: false });
  expect(await failureOf(fault('RESOURCES'), 5)).toMatchObject({
    type: FAULT.execution,
    nonRetryable: true,
    message: 'partition "x" is gone',
  });
});

it('a worker that ends leaves it to the next, however often', async () => {
  expect(await failureOf(fault('CLOSED'), 50)).toMatchObject({ nonRetryable: false });
});
