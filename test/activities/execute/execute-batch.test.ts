import { CancelledFailure, type Info } from '@temporalio/activity';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createExecuteBatch, retryStoreFaults } from '../../../src/activities/execute/execute-batch.js';
import type { ExecuteInput } from '../../../src/contract/activities.js';
import { FAULT } from '../../../src/contract/workflow.js';
import {
  type BatchExecutor,
  type BatchReport,
  type BatchRequest,
  NO_PROGRESS,
} from '../../../src/execution/batch-executor.js';
import { ExecutionFault } from '../../../src/execution/execution-fault.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { beginAttempt } from '../activity-context.js';
import { FakeWorker, OTHER_ENGINE, statusOf } from '../fakes.js';
import { declarationOf, submitTo } from '../submission-in-store.js';

type Options = Parameters<BatchExecutor['execute']>[1];

const RANGES = [
  { from: 0, to: 4 },
  { from: 6, to: 10 },
];

const REPORT: BatchReport = {
  success: 5,
  failed: 1,
  cancelled: 0,
  busy_ms: 1234.5,
  means: {},
  left: [{ from: 8, to: 10 }],
  dealing: { at_once: 3, most: 100 },
};

const PAUSED = statusOf('s1', { phase: 'paused', paused: true });

const faultOf = (code: string) =>
  new ExecutionFault(
    code,
    { type: 'ClusterError', message: `the cluster says ${code}` },
    { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} },
  );

async function sweepOf() {
  const store = await temporaryStore('metalab-');
  const declaration = declarationOf(10, { resources: { partition: 'long' }, timeout_ms: 5_000 });
  const ref = await submitTo(store, { declaration });
  const worker = new FakeWorker(store);
  onTestFinished(() => worker.close());
  await worker.leases.hold(store);
  const requests: BatchRequest[] = [];
  let does: (request: BatchRequest, options: Options) => Promise<BatchReport> = async () => REPORT;
  worker.batches = {
    execute: (request, options) => {
      requests.push(request);
      return does(request, options);
    },
  };
  const execute = retryStoreFaults(worker.dependencies, createExecuteBatch(worker.dependencies));
  const begin = (info: Partial<Info> = {}, input: Partial<ExecuteInput> = {}) => {
    const attempt = beginAttempt(info);
    const batch = { ...ref, from: 0, to: 10, ranges: RANGES, budget_ms: 1_000, ...input };
    return { attempt, result: attempt.run(() => execute(batch)) };
  };
  return {
    store,
    worker,
    workflow: worker.workflow,
    requests,
    cluster: (next: typeof does) => {
      does = next;
    },
    begin,
    run: (info?: Partial<Info>, input?: Partial<ExecuteInput>) => begin(info, input).result,
    failure: async (info?: Partial<Info>) =>
      (await begin(info).result.then(
        () => expect.unreachable(),
        (error: unknown) => error,
      )) as { readonly nonRetryable: boolean },
  };
}

/** An array that runs until it is told to stop, and then reports. */
const untilStopped =
  (heard: string[]) =>
  (_: BatchRequest, { signal }: Options) =>
    new Promise<BatchReport>((resolve) => {
      signal.onStop((how) => {
        heard.push(how);
        resolve(REPORT);
      });
    });

describe('a batch', () => {
  test('is executed with its ranges and resources, and reports what the array did and left', async () => {
    const { run, requests, cluster, workflow } = await sweepOf();
    cluster(async (_, { onProgress }) => {
      onProgress({ ...NO_PROGRESS, job: '17', waits: null, stuck: false });
      return REPORT;
    });
    expect(await run()).toMatchObject({
      next: 10,
      success: 5,
      failed: 1,
      elapsed_ms: 1235,
      left: REPORT.left,
      dealing: REPORT.dealing,
      job: '17',
    });
    expect(requests).toMatchObject([
      { ranges: RANGES, submission: 's1', resources: { partition: 'long' }, timeout_ms: 5_000 },
    ]);
    expect(workflow.told).toEqual([]);
  });

  test('has one array, whichever attempt asks for it, and no other batch has the same', async () => {
    const { run, requests } = await sweepOf();
    await run({ activityId: '1' });
    await run({ activityId: '1', attempt: 2 });
    await run({ activityId: '2' });
    const [first, second, other] = requests.map(({ token }) => token);
    expect(second).toBe(first);
    expect(other).not.toBe(first);
  });

  test('is not submitted while its submission is paused, and is given back as a whole', async () => {
    const { run, requests, workflow } = await sweepOf();
    workflow.status = PAUSED;
    expect(await run()).toMatchObject({ success: 0, left: RANGES });
    expect(requests).toEqual([]);
  });

  test('that an earlier attempt submitted is followed even while its submission is paused', async () => {
    const { run, requests, workflow } = await sweepOf();
    workflow.status = PAUSED;
    expect(await run({ attempt: 2 })).toMatchObject({ success: 5 });
    expect(requests).toHaveLength(1);
  });

  test('reports failures before it ends only if the submission has a limit of them', async () => {
    const { run, cluster, workflow } = await sweepOf();
    cluster(async (_, { onProgress }) => {
      onProgress({ ...NO_PROGRESS, failed: 3, waits: null, stuck: false });
      return REPORT;
    });
    await run();
    expect(workflow.told).toEqual([]);
    await run({}, { failures_left: 10 });
    expect(workflow.told).toEqual([{ submission: 's1', from: 0, runs: { failed: 3, done: 3 } }]);
  });

  test('leaves no listener behind, however it ends', async () => {
    const { run, failure, cluster, worker } = await sweepOf();
    await run();
    cluster(() => Promise.reject(faultOf('RESOURCES')));
    await failure();
    expect(worker.listeners).toBe(0);
  });
});

describe('a batch that is stopped', () => {
  test('by a cancel ends its array, and reports what is recorded', async () => {
    const { begin, cluster, requests } = await sweepOf();
    const heard: string[] = [];
    cluster(untilStopped(heard));
    const { attempt, result } = begin();
    await expect.poll(() => requests.length).toBe(1);
    attempt.cancel('request');
    expect(await result).toMatchObject({ success: 5 });
    expect(heard).toEqual(['cancel']);
  });

  test('since another worker follows it reports nothing, and lets the array run', async () => {
    const { begin, cluster, requests } = await sweepOf();
    const heard: string[] = [];
    cluster(untilStopped(heard));
    const { attempt, result } = begin();
    await expect.poll(() => requests.length).toBe(1);
    attempt.cancel('timeout');
    await expect(result).rejects.toBeInstanceOf(CancelledFailure);
    expect(heard).toEqual(['yield']);
  });

  test('since another engine took the store lets the array run', async () => {
    const { begin, cluster, requests, store, worker } = await sweepOf();
    const heard: string[] = [];
    cluster(untilStopped(heard));
    const { result } = begin();
    await expect.poll(() => requests.length).toBe(1);
    await store.lease.take(OTHER_ENGINE, { takeOver: true });
    await worker.leases.hold(store).catch(() => {});
    await result;
    expect(heard).toEqual(['yield']);
  });
});

describe('a fault of the cluster', () => {
  test('that somebody caused by cancelling the array there cancels the sweep', async () => {
    const { failure, cluster } = await sweepOf();
    cluster(() => Promise.reject(faultOf('CANCELLED')));
    expect(await failure()).toMatchObject({ type: FAULT.cancelled, nonRetryable: true });
  });

  test('ends the sweep at the fifth, a failing set-up command at the second', async () => {
    const { failure, cluster } = await sweepOf();
    cluster(() => Promise.reject(faultOf('RESOURCES')));
    for (let fault = 1; fault < 5; fault++)
      expect(await failure()).toMatchObject({ type: FAULT.execution, nonRetryable: false });
    expect(await failure()).toMatchObject({ type: FAULT.execution, nonRetryable: true });

    const other = await sweepOf();
    other.cluster(() => Promise.reject(faultOf('SET_UP')));
    expect(await other.failure()).toMatchObject({ nonRetryable: false });
    expect(await other.failure()).toMatchObject({ nonRetryable: true });
  });

  test.each(['SPOOL_ENOSPC', 'SPOOL_EDQUOT', 'CLOSED'])('%s passes, and counts as none', async (code) => {
    const { failure, cluster } = await sweepOf();
    cluster(() => Promise.reject(faultOf(code)));
    for (let round = 0; round < 7; round++) expect(await failure()).toMatchObject({ nonRetryable: false });
    cluster(() => Promise.reject(faultOf('RESOURCES')));
    expect(await failure()).toMatchObject({ nonRetryable: false });
  });
});

describe('a store that can not be written', () => {
  test('gives up no batch: its next attempt follows the same array', async () => {
    const { failure, cluster } = await sweepOf();
    cluster(() => Promise.reject(faultOf('ENOSPC')));
    expect(await failure()).toMatchObject({
      type: FAULT.storeUnwritable,
      nonRetryable: false,
      message: expect.stringContaining('the disk is full'),
    });
  });

  test('is reported by fewer and fewer attempts, since each adds to the history', async () => {
    const { failure, cluster, workflow } = await sweepOf();
    cluster(() => Promise.reject(faultOf('ENOSPC')));
    for (let attempt = 1; attempt <= 20; attempt++) await failure({ attempt });
    const waits = workflow.told.filter((notice) => notice.waits);
    expect(waits).toHaveLength(5);
    expect(waits[0]).toMatchObject({ submission: 's1', from: 0 });
  });
});

test('a worker without an executor for the environment leaves it to others a few times', async () => {
  const { worker, failure } = await sweepOf();
  worker.dependencies.executors.batches = () => Promise.reject(new Error('no such type'));
  for (let attempt = 1; attempt < 5; attempt++)
    expect(await failure({ attempt })).toMatchObject({ nonRetryable: false, message: 'no such type' });
  expect(await failure({ attempt: 5 })).toMatchObject({ type: FAULT.execution, nonRetryable: true });
});
