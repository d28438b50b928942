import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BatchNotices } from '../../../src/activities/execute/batch-notices.js';
import type { ChunkNotice } from '../../../src/contract/workflow.js';
import { NO_PROGRESS } from '../../../src/execution/batch-executor.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function noticesOf(options = { mayWait: false }) {
  const told: Partial<ChunkNotice>[] = [];
  const workflow = { isReachable: true };
  const notices = new BatchNotices(async (notice) => {
    told.push(notice);
    return workflow.isReachable;
  }, options);
  return { told, workflow, notices };
}

/** All that is under way has arrived, or failed. */
const settled = () => vi.advanceTimersByTimeAsync(0);

const stuckFor = (waits: string) => ({ ...NO_PROGRESS, waits, stuck: true });
const PROGRESSING = { ...NO_PROGRESS, waits: null, stuck: false };

test('a batch that waits for its turn is no news, one that a person has to help is', async () => {
  const { told, notices } = noticesOf();
  notices.progress({ ...NO_PROGRESS, waits: 'Priority', stuck: false });
  notices.progress(stuckFor('the login has expired'));
  notices.progress(stuckFor('the login has expired'));
  await settled();
  expect(told).toEqual([{ waits: 'the login has expired' }]);
});

test('the reason is withdrawn once the batch makes progress', async () => {
  const { told, notices } = noticesOf();
  notices.progress(stuckFor('the login has expired'));
  notices.progress(PROGRESSING);
  notices.progress(PROGRESSING);
  await settled();
  expect(told).toEqual([{ waits: 'the login has expired' }, { waits: null }]);
});

test('a reason that an earlier attempt gave is withdrawn by the next attempt', async () => {
  const { told, notices } = noticesOf({ mayWait: true });
  notices.progress(PROGRESSING);
  await settled();
  expect(told).toEqual([{ waits: null }]);
});

test('an outage whose words change does not fill the history', async () => {
  const { told, notices } = noticesOf();
  for (let minute = 0; minute < 30; minute++) {
    notices.progress(stuckFor(`no answer since ${minute} minutes`));
    await vi.advanceTimersByTimeAsync(60_000);
  }
  expect(told.map(({ waits }) => waits)).toEqual([
    'no answer since 0 minutes',
    'no answer since 10 minutes',
    'no answer since 20 minutes',
  ]);
});

test('a notice that did not arrive is repeated', async () => {
  const { told, workflow, notices } = noticesOf();
  workflow.isReachable = false;
  notices.progress(stuckFor('the login has expired'));
  notices.failures({ ...PROGRESSING, failed: 1 });
  await settled();
  workflow.isReachable = true;
  told.length = 0;
  notices.progress(stuckFor('the login has expired'));
  notices.failures({ ...PROGRESSING, failed: 1 });
  await settled();
  expect(told).toEqual([{ waits: 'the login has expired' }, { runs: { failed: 1, done: 1 } }]);
});

test('failures are counted with all runs that are done, and reported as they grow by a tenth', async () => {
  const { told, notices } = noticesOf();
  for (let failed = 0; failed <= 100; failed++)
    notices.failures({ ...PROGRESSING, success: failed, failed, cancelled: 1 });
  await settled();
  expect(told[0]).toEqual({ runs: { failed: 1, done: 3 } });
  expect(told.length).toBeLessThan(50);
  const last = told.at(-1)!.runs!.failed;
  expect(last).toBeGreaterThan(90);
});
