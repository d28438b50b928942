import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { expect, it } from 'vitest';
import { mapFailures } from '../../src/activities/failures.js';
import { FAULT } from '../../src/contract/workflow.js';
import { StoreError } from '../../src/definition/errors.js';
import { ExecutionFault } from '../../src/execution/execution-fault.js';
import { beginAttempt } from './activity-context.js';

/** What the workflow gets of an activity that throws this. */
async function failureOf(thrown: Error, attempt = 1): Promise<ApplicationFailure> {
  const failing = beginAttempt({ attempt }).run(() => mapFailures(() => Promise.reject(thrown)));
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

it('what may not be written is waited for, with the path and what to do', async () => {
  const path = '/store/sweep@1/submissions/s1/live';
  const forbidden = Object.assign(new Error(`EACCES: permission denied, mkdir '${path}'`), {
    code: 'EACCES',
    path,
  });
  expect(await failureOf(forbidden)).toMatchObject({
    type: FAULT.storeUnwritable,
    nonRetryable: true,
    message: `${path}: permission denied; give yourself access to it, or name another store with --store`,
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

const storeError = (code: StoreError['code']) =>
  new StoreError({ code, where: '/store', what: 'something is wrong', next: 'chmod go-w /store' });

it.each([
  'METALAB_STORE_FULL',
  'METALAB_STORE_UNWRITABLE',
  'METALAB_STORE_HELD',
  'METALAB_STORE_UNSAFE',
  'METALAB_STORE_MISSING',
  'METALAB_STORE_NOT_A_FOLDER',
] as const)('%s is waited for, however long, and no run is given up', async (code) => {
  const failure = await failureOf(storeError(code), 50);
  expect(failure).toMatchObject({ type: FAULT.storeUnwritable, nonRetryable: true });
  expect(failure.message).not.toContain('\n');
});

it('a store that strangers can change is waited for with the command that mends it', async () => {
  const { message } = await failureOf(storeError('METALAB_STORE_UNSAFE'));
  expect(message).toBe('/store: something is wrong; chmod go-w /store');
});

it('a brief fault of a file server is tried again unnoticed, a lasting one is reported', async () => {
  expect(await failureOf(storeError('METALAB_STORE_IO'), 4)).toMatchObject({ nonRetryable: false });
  expect(await failureOf(storeError('METALAB_STORE_IO'), 5)).toMatchObject({
    type: FAULT.storeUnwritable,
    nonRetryable: true,
  });
});

it.each(['METALAB_STORE_NEWER', 'METALAB_STORE_CORRUPT', 'METALAB_STORE_INCOMPLETE'] as const)(
  '%s ends the submission: it will not be better at the next attempt',
  async (code) => {
    expect(await failureOf(storeError(code))).toMatchObject({
      type: FAULT.brokenSubmission,
      nonRetryable: true,
    });
  },
);

it('another error of metalab is tried again, and the Temporal UI shows its code', async () => {
  expect(await failureOf(storeError('METALAB_STORE_OTHER'), 50)).toMatchObject({
    type: 'METALAB_STORE_OTHER',
    nonRetryable: false,
  });
});

it("a cancellation and a failure of Temporal's own pass unchanged", async () => {
  for (const thrown of [new CancelledFailure('CANCELLED'), ApplicationFailure.nonRetryable('x', 'Y')])
    await expect(mapFailures(() => Promise.reject(thrown))).rejects.toBe(thrown);
});
