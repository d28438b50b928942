import { rmSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { createActivities } from '../../../src/activities/create.js';
import type { ExecuteInput } from '../../../src/contract/activities.js';
import { FAULT } from '../../../src/contract/workflow.js';
import { planFile } from '../../../src/storage/file/layout.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { beginAttempt } from '../activity-context.js';
import { FakeWorker, OTHER_ENGINE, WORKER } from '../fakes.js';
import { record, SWEEP, submitTo } from '../submission-in-store.js';

/** A chunk of ten runs in a store that another engine has taken, after an attempt that recorded these. */
async function takenAfter(recorded: readonly number[]) {
  const store = await temporaryStore('metalab-');
  const ref = await submitTo(store);
  record(store, recorded);
  await store.lease.take(OTHER_ENGINE);
  const worker = new FakeWorker(store);
  onTestFinished(() => worker.close());
  const { execute } = createActivities(worker.dependencies);
  const chunk: ExecuteInput = { ...ref, from: 0, to: 10, budget_ms: 1_000 };
  const failureOf = (attempt: number) =>
    beginAttempt({ attempt }).run(() => execute(chunk).catch((failure: unknown) => failure));
  return { store, failureOf };
}

const refused = {
  type: FAULT.storeUnwritable,
  nonRetryable: true,
  message: expect.stringContaining('in use by the engine'),
};

test('a second attempt that is refused by its lease gives back only what the first did not record', async () => {
  const { failureOf } = await takenAfter([0, 1, 2, 3]);
  expect(await failureOf(2)).toMatchObject({
    ...refused,
    details: [{ next: 4, success: 0, worker: WORKER }],
  });
});

test('a second attempt that is refused gives back nothing if the first recorded everything', async () => {
  const { failureOf } = await takenAfter([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await failureOf(2)).toMatchObject({ ...refused, details: [{ next: 10 }] });
});

test('a first attempt that is refused gives back the whole chunk', async () => {
  const { failureOf } = await takenAfter([]);
  expect(await failureOf(1)).toMatchObject({ ...refused, details: [] });
});

test('a second attempt that is refused says why, even if it cannot find out what the first recorded', async () => {
  const { store, failureOf } = await takenAfter([0, 1]);
  rmSync(planFile(store.experimentFolder(SWEEP), 's1'));
  expect(await failureOf(2)).toMatchObject({ ...refused, details: [] });
});
