import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSettle } from '../../../src/activities/settle/settle.js';
import type { SettleInput } from '../../../src/contract/activities.js';
import { FAULT } from '../../../src/contract/workflow.js';
import { StoreError } from '../../../src/definition/errors.js';
import { ExecutionFault } from '../../../src/execution/execution-fault.js';
import {
  environmentFile,
  liveFolder,
  planEntriesFile,
  planFile,
  submissionFolder,
} from '../../../src/storage/file/layout.js';
import { temporaryName } from '../../../src/storage/file/owner.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { beginAttempt } from '../activity-context.js';
import { FakeWorker } from '../fakes.js';
import { record, SWEEP, submitTo } from '../submission-in-store.js';

const CANCELLED: SettleInput['abandon'] = { state: 'cancelled', reason: 'by ada' };
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

async function sweepOf(parts: Parameters<typeof submitTo>[1] = {}) {
  const store = await temporaryStore('metalab-');
  const ref = await submitTo(store, parts);
  const worker = new FakeWorker(store);
  onTestFinished(() => worker.close());
  const settleHere = createSettle(worker.dependencies);
  const settle = (abandon: SettleInput['abandon'] = null) =>
    beginAttempt({ currentAttemptScheduledTimestampMs: Date.parse('2026-01-01T00:01:00.000Z') }).run(() =>
      settleHere({ ...ref, started_at: '2026-01-01T00:00:00.000Z', abandon }),
    );
  const folder = store.experimentFolder(SWEEP);
  return {
    store,
    worker,
    folder,
    settle,
    /** The outcome in the store. */
    written: () => store.readOutcome(SWEEP, 's1'),
  };
}

/** What an executor of batches says when it is asked to end them. */
const clusterFault = (code: string) =>
  new ExecutionFault(
    code,
    { type: 'ClusterError', message: 'the gateway does not answer\nssh: timeout' },
    { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} },
  );

describe('a sweep with runs that have no record', () => {
  test('is not over: it gets no outcome, and the runs are handed out again', async () => {
    const { store, settle, written, folder, worker } = await sweepOf();
    record(store, [0, 1, 2, 5, 6]);
    expect(await settle()).toEqual({
      outcome: null,
      recorded: 5,
      missing: [
        { from: 3, to: 5 },
        { from: 7, to: 10 },
      ],
    });
    expect(await written()).toBeUndefined();
    expect(existsSync(environmentFile(folder, 's1'))).toBe(true);
    expect(worker.released).toEqual([]);
  });

  test('does not count records of another submission as its own', async () => {
    const { store, settle } = await sweepOf();
    record(store, ALL, { submission: 's0' });
    expect(await settle()).toMatchObject({ outcome: null, recorded: 0 });
  });
});

describe('a sweep whose runs are all recorded', () => {
  test('gets an outcome with their counts, each run once, in the store', async () => {
    const { store, settle, written } = await sweepOf();
    record(store, ALL.slice(0, 7));
    record(store, [6, 7, 8], { status: 'failed', writer: 'host-2-bb' });
    record(store, [9], { status: 'cancelled', writer: 'host-3-cc' });
    const { outcome } = await settle();
    expect(outcome).toMatchObject({
      state: 'completed',
      total: 10,
      executed: 10,
      success: 7,
      failed: 2,
      cancelled: 1,
      missing: 0,
      reason: null,
      duration_ms: 60_000,
    });
    expect(await written()).toEqual(outcome);
  });

  test('leaves neither values of variables nor live files, releases its worker, and gives the store back', async () => {
    const { store, settle, folder, worker } = await sweepOf();
    record(store, ALL);
    const chunk = worker.live.open(folder, 's1', 0);
    await worker.scopes.during(store, { experiment_id: SWEEP, submission: 's1' }, async () =>
      chunk.show({
        report: { success: 1, failed: 0, cancelled: 0, means: {} },
        running: null,
        peak_rss_bytes: 0,
      }),
    );
    await settle();
    expect(existsSync(environmentFile(folder, 's1'))).toBe(false);
    expect(existsSync(liveFolder(folder, 's1'))).toBe(false);
    expect(worker.released).toEqual(['s1']);
    expect(await store.lease.read()).toBeUndefined();
    expect(worker.compacted).toEqual([folder]);
  });

  test('keeps the outcome that another worker has written', async () => {
    const { store, settle, written } = await sweepOf();
    record(store, ALL);
    const { outcome } = await settle();
    const other = { ...outcome!, success: 9, reason: 'the first' };
    await store.writeOutcome(other);
    expect(await settle()).toMatchObject({ outcome: other });
    expect(await written()).toEqual(other);
  });

  test('has no outcome before the end of what it left on its cluster, and none if its worker ends then', async () => {
    const { store, settle, written, worker } = await sweepOf();
    record(store, ALL);
    const end = vi.fn(async () => {
      expect(await written()).toBeUndefined();
      return null;
    });
    worker.batches = { end: () => Promise.reject(clusterFault('CLOSED')) };
    await expect(settle()).rejects.toMatchObject({ type: FAULT.execution, nonRetryable: false });
    expect(await written()).toBeUndefined();
    worker.batches = { end };
    await settle();
    expect(end).toHaveBeenCalledOnce();
    expect(await written()).toMatchObject({ state: 'completed' });
    expect(worker.listeners).toBe(0);
  });

  test('waits if its outcome can not be written', async () => {
    const { store, settle, written } = await sweepOf();
    record(store, ALL);
    const { writeOutcome } = store;
    store.writeOutcome = () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    await expect(settle()).rejects.toMatchObject({ type: FAULT.storeUnwritable, nonRetryable: true });
    store.writeOutcome = writeOutcome;
    await settle();
    expect(await written()).toMatchObject({ success: 10 });
  });

  test('is not made again in the store if somebody has removed it', async () => {
    const { store, settle, folder, worker } = await sweepOf();
    record(store, ALL);
    worker.batches = {
      end: async () => {
        rmSync(submissionFolder(folder, 's1'), { recursive: true });
        return null;
      },
    };
    await settle();
    expect(existsSync(submissionFolder(folder, 's1'))).toBe(false);
  });
});

describe('a sweep that is given up', () => {
  test('gets an outcome that says what is missing, and why', async () => {
    const { store, settle, written } = await sweepOf();
    record(store, [0, 1, 2]);
    const { outcome } = await settle(CANCELLED);
    expect(outcome).toMatchObject({
      state: 'cancelled',
      reason: 'by ada',
      success: 3,
      missing: 7,
      total: 10,
    });
    expect(await written()).toEqual(outcome);
  });

  test('counts what its batches record until they have ended', async () => {
    const { store, settle, worker } = await sweepOf();
    worker.batches = {
      end: async () => {
        record(store, [0, 1, 2, 3]);
        return null;
      },
    };
    expect(await settle(CANCELLED)).toMatchObject({ outcome: { success: 4, missing: 6 } });
  });

  test.each([
    [
      'jobs that the cluster could not be asked to end',
      { jobs: ['17', '18'], why: 'ssh: timeout' },
      'jobs 17, 18',
    ],
    ['one such job', { jobs: ['17'], why: 'ssh: timeout' }, 'job 17 may still run'],
  ])('names %s', async (_, remains, words) => {
    const { settle, worker } = await sweepOf();
    worker.batches = { end: async () => remains };
    const { outcome } = await settle(CANCELLED);
    expect(outcome!.reason).toMatch(/^by ada; /);
    expect(outcome!.reason).toContain(words);
    expect(outcome!.reason).toContain('ssh: timeout');
  });

  test('gets its outcome although its cluster fails, and says that jobs may still run', async () => {
    const { settle, worker } = await sweepOf();
    worker.batches = { end: () => Promise.reject(clusterFault('RESOURCES')) };
    const { outcome } = await settle(CANCELLED);
    expect(outcome!.reason).toContain('may still run');
    expect(outcome!.reason).toContain('the gateway does not answer');
    expect(outcome!.reason).not.toContain('\n');
  });

  test('before it was planned has all its cells missing', async () => {
    const { settle } = await sweepOf({ isPlanned: false });
    expect(await settle(CANCELLED)).toMatchObject({ outcome: { total: 10, missing: 10, reused: 0 } });
  });

  test('gets its outcome although its plan is damaged', async () => {
    const { store, settle, folder } = await sweepOf();
    record(store, [0, 1, 2]);
    writeFileSync(planFile(folder, 's1'), '{ torn');
    await expect(settle()).rejects.toMatchObject({ type: FAULT.brokenSubmission, nonRetryable: true });
    expect(await settle(CANCELLED)).toMatchObject({ outcome: { success: 3, missing: 7 } });
  });

  test('ends without an outcome if its store is gone; one that is not given up waits for the store', async () => {
    const { settle, worker } = await sweepOf();
    const gone = new StoreError({
      code: 'METALAB_STORE_MISSING',
      where: '/store',
      what: 'there is no store',
      next: 'mount it',
    });
    Object.assign(worker.dependencies, { openStore: () => Promise.reject(gone) });
    const settleThere = createSettle(worker.dependencies);
    const input = {
      store: '/store',
      experiment_id: SWEEP,
      submission: 's1',
      declaration: 'sha',
      options: { slots: null, keep_failed: false, fresh: false },
      started_at: '2026-01-01T00:00:00.000Z',
    };
    const at = beginAttempt();
    expect(await at.run(() => settleThere({ ...input, abandon: CANCELLED }))).toMatchObject({
      outcome: null,
    });
    await expect(at.run(() => settleThere({ ...input, abandon: null }))).rejects.toMatchObject({
      type: FAULT.storeUnwritable,
    });
    await settle(CANCELLED);
  });
});

test('a plan whose list of runs was altered is not counted, whatever is recorded', async () => {
  const { settle, folder, written } = await sweepOf();
  const plan = { kind: 'list', positions: 2, total: 10, entries_sha256: 'f'.repeat(64), submission: 's1' };
  writeFileSync(planFile(folder, 's1'), JSON.stringify(plan));
  writeFileSync(planEntriesFile(folder, { submission: 's1' }), new Uint8Array(16));
  await expect(settle()).rejects.toMatchObject({ type: FAULT.brokenSubmission, nonRetryable: true });
  expect(await written()).toBeUndefined();
});

test('temporary files that killed processes left in the store are removed at the end', async () => {
  const { store, settle, folder } = await sweepOf();
  record(store, ALL);
  // This test's own name for a temporary file, of a process that can't be there.
  const name = `.outcome.json.${temporaryName().replace(/-\d+-/, '-99999999-')}.tmp`;
  writeFileSync(join(submissionFolder(folder, 's1'), name), '');
  await settle();
  expect(readdirSync(submissionFolder(folder, 's1'))).not.toContain(name);
});
