import { expect, onTestFinished, test, vi } from 'vitest';
import { underLease } from '../../../src/activities/submission/under-lease.js';
import { FAULT } from '../../../src/contract/workflow.js';
import { StoreError } from '../../../src/definition/errors.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { beginAttempt } from '../activity-context.js';
import { FakeWorker, HOLDER, OTHER_ENGINE } from '../fakes.js';
import { submitTo } from '../submission-in-store.js';

async function wrapped(refuseStrangers = () => {}) {
  const store = await temporaryStore('metalab-');
  const input = await submitTo(store);
  const worker = new FakeWorker(store, { refuseStrangers });
  onTestFinished(() => worker.close());
  const activity = vi.fn(async () => store.lease.read());
  const execute = underLease(worker.dependencies, activity);
  return { store, worker, activity, run: () => beginAttempt().run(() => execute(input)) };
}

test('an activity works while its engine has the lease', async () => {
  const { run, worker } = await wrapped();
  expect(await run()).toMatchObject(HOLDER);
  await worker.leases.close();
});

test('an activity does nothing in a store that another engine has: the workflow waits, and says for whom', async () => {
  const { store, activity, run } = await wrapped();
  await store.lease.take(OTHER_ENGINE);
  await expect(run()).rejects.toMatchObject({
    type: FAULT.storeUnwritable,
    nonRetryable: true,
    message: expect.stringContaining('the store is in use by the engine'),
  });
  expect(activity).not.toHaveBeenCalled();
  expect(await store.lease.read()).toMatchObject(OTHER_ENGINE);
});

test('an activity writes nothing, not even a lease, to a store that strangers can change', async () => {
  const { store, activity, run } = await wrapped(() => {
    throw new StoreError({
      code: 'METALAB_STORE_UNSAFE',
      where: '/store',
      what: 'others can change it',
      next: 'chmod go-w /store',
    });
  });
  await expect(run()).rejects.toMatchObject({
    type: FAULT.storeUnwritable,
    nonRetryable: true,
    message: expect.stringContaining('chmod go-w /store'),
  });
  expect(activity).not.toHaveBeenCalled();
  expect(await store.lease.read()).toBeUndefined();
});
