import { existsSync, rmSync } from 'node:fs';
import { CancelledFailure } from '@temporalio/activity';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createPlan } from '../../src/activities/plan.js';
import type { PlanInput } from '../../src/contract/activities.js';
import { FAULT, WHILE_PLANNING } from '../../src/contract/workflow.js';
import type { BatchExecutor } from '../../src/execution/batch-executor.js';
import { Cells } from '../../src/identity/cells.js';
import { SigningKey } from '../../src/identity/signature.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { environmentFile, liveFolder } from '../../src/storage/file/layout.js';
import type { SubmissionManifest, SubmissionOutcome } from '../../src/storage/manifest.js';
import { manifestDocument } from '../../src/storage/signed-files.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { beginAttempt, WORKFLOW } from './activity-context.js';
import { FakeWorker, HOLDER, WORKER } from './fakes.js';
import { declarationOf, OPTIONS, record, SWEEP, submitTo } from './submission-in-store.js';

const KEY = new SigningKey(new Uint8Array(32).fill(7));
const HERE = { type: 'slurm', name: 'here', file_root: 'spool', services: {}, executor: {} };
const ELSEWHERE = { ...HERE, name: 'elsewhere', file_root: 'other' };
const LIMITS = { at_once: 1, most: 100 };
const TWO_HOURS_AGO = new Date(Date.now() - 2 * 3_600_000).toISOString();

const on = (environment: object) => ({ environment: environment as SubmissionManifest['environment'] });

async function sweepOf(parts: Parameters<typeof submitTo>[1] = {}, overrides = {}) {
  const store = await temporaryStore('metalab-');
  const ref = await submitTo(store, { isPlanned: false, ...parts });
  const worker = new FakeWorker(store, overrides);
  onTestFinished(() => worker.close());
  const planHere = createPlan(worker.dependencies);
  const begin = (input: Partial<PlanInput> = {}) => {
    const attempt = beginAttempt();
    return { attempt, result: attempt.run(() => planHere({ ...ref, queued: [], ...input })) };
  };
  return {
    store,
    worker,
    workflow: worker.workflow,
    folder: store.experimentFolder(SWEEP),
    begin,
    plan: (input?: Partial<PlanInput>) => begin(input).result,
  };
}

/** Records of an earlier submission that a plan reuses. */
function recordReusable(store: FileStore, count: number): void {
  const declaration = declarationOf(10);
  const cells = new Cells(declaration);
  for (let cell = 0; cell < count; cell++) {
    const { index, runId, seedFingerprint, case: ofCase } = cells.at(cell);
    record(store, [index], {
      submission: 'earlier',
      writer: `host-1-${index}`,
      run_id: runId,
      params_fingerprint: ofCase.paramsFingerprint,
      seed_fingerprint: seedFingerprint,
    });
  }
}

/** A cluster where nothing is wrong. */
const cluster = (overrides: Partial<BatchExecutor> = {}): Partial<BatchExecutor> => ({
  collect: async () => {},
  dealing: async () => LIMITS,
  end: async () => null,
  ...overrides,
});

describe('a plan', () => {
  test('is what the store lacks, with the slots of the worker that made it', async () => {
    const { store, plan, folder, worker, workflow } = await sweepOf();
    recordReusable(store, 4);
    expect(await plan()).toEqual({
      total: 10,
      positions: 6,
      new: 6,
      retried: 0,
      reused: { success: 4, failed: 0, cancelled: 0 },
      stale: { code: 0, context: 0 },
      worker: WORKER,
      slots: 2,
    });
    expect(existsSync(liveFolder(folder, 's1'))).toBe(true);
    worker.offers.tell('s1', WORKFLOW.workflowId, null);
    expect(workflow.announced).toEqual([]);
    expect(worker.listeners).toBe(0);
  });

  test('is kept for the next attempt, whatever was recorded since, because chunks may have begun from it', async () => {
    const { store, plan } = await sweepOf();
    const first = await plan();
    recordReusable(store, 4);
    expect(await plan()).toEqual(first);
  });

  test('is not made for a submission that has ended: all of its runs would be executed once more', async () => {
    const { store, plan } = await sweepOf();
    await store.writeOutcome({
      experiment_id: SWEEP,
      submission: 's1',
      state: 'completed',
    } as SubmissionOutcome);
    await expect(plan()).rejects.toMatchObject({ type: FAULT.brokenSubmission, nonRetryable: true });
    expect(await store.readPlan(SWEEP, 's1')).toBeUndefined();
  });

  test('needs the declaration, and says so if that is gone', async () => {
    const { store, plan, folder } = await sweepOf();
    const { declaration } = (await store.readSubmission(SWEEP, 's1'))!;
    rmSync(`${folder}/declarations/${declaration}.json`);
    await expect(plan()).rejects.toMatchObject({
      type: FAULT.brokenSubmission,
      message: expect.stringContaining('its declaration'),
    });
  });

  test('of a submission that is cancelled meanwhile makes no folder for live files', async () => {
    const { begin, worker, folder } = await sweepOf({ manifest: on(HERE) });
    let collecting = () => {};
    const reached = new Promise<void>((resolve) => (collecting = resolve));
    const heard: string[] = [];
    worker.batches = cluster({
      collect: (_, options) =>
        new Promise((resolve) => {
          options?.signal?.onStop((how) => {
            heard.push(how);
            resolve();
          });
          collecting();
        }),
    });
    const { attempt, result } = begin();
    await reached;
    attempt.cancel('request');
    await expect(result).rejects.toBeInstanceOf(CancelledFailure);
    expect(heard).toEqual(['cancel']);
    expect(existsSync(liveFolder(folder, 's1'))).toBe(false);
    expect(worker.listeners).toBe(0);
  });
});

describe('a plan for a cluster', () => {
  test('reuses what the cluster has recorded and the store lacked', async () => {
    const { store, plan, worker } = await sweepOf({ manifest: on(HERE) });
    worker.batches = cluster({ collect: async () => recordReusable(store, 3) });
    expect(await plan()).toMatchObject({ positions: 7, reused: { success: 3 }, dealing: LIMITS });
  });

  test('says why it waits', async () => {
    const { plan, worker, workflow } = await sweepOf({ manifest: on(HERE) });
    worker.batches = cluster({
      collect: async (_, options) => {
        options?.onWaits?.('the login has expired', true);
        options?.onWaits?.(null, false);
      },
    });
    await plan();
    expect(workflow.told).toEqual([
      { submission: 's1', from: WHILE_PLANNING, waits: 'the login has expired' },
      { submission: 's1', from: WHILE_PLANNING, waits: null },
    ]);
  });
});

describe('what earlier submissions left', () => {
  /** Writes an earlier submission, signed, of the engine that plans. */
  async function leave(store: FileStore, submission: string, manifest: Partial<SubmissionManifest> = {}) {
    await submitTo(store, { submission, manifest: { submitted_at: TWO_HOURS_AGO, ...manifest } });
    const written = (await store.readSubmission(SWEEP, submission))!;
    await store.writeSubmission({ ...written, signature: KEY.sign(manifestDocument(store.id, written)) });
  }

  async function planAfter(earlier: (store: FileStore) => Promise<void>, queued: readonly string[] | null) {
    const { store, plan, worker, folder } = await sweepOf({ manifest: on(HERE) }, { signatures: KEY });
    const ours = (await store.readSubmission(SWEEP, 's1'))!;
    await store.writeSubmission({ ...ours, signature: KEY.sign(manifestDocument(store.id, ours)) });
    await earlier(store);
    const end = vi.fn<BatchExecutor['end']>(async () => null);
    worker.batches = cluster({ end });
    await plan({ queued });
    return {
      ended: end.mock.calls.map(([{ submission }]) => submission).sort(),
      hasValues: (submission: string) => existsSync(environmentFile(folder, submission)),
    };
  }

  test('on a cluster is ended before their runs are planned again', async () => {
    const { ended } = await planAfter(async (store) => {
      await leave(store, 'left', on(HERE));
      await leave(store, 'elsewhere', on(ELSEWHERE));
      await leave(store, 'local');
    }, []);
    expect(ended).toEqual(['elsewhere', 'left']);
  });

  test('is not touched while it is queued, or of another engine', async () => {
    const { ended, hasValues } = await planAfter(
      async (store) => {
        await leave(store, 'queued', on(HERE));
        await leave(store, 'foreign', { ...on(HERE), engine: 'another' });
        await leave(store, 'own', { ...on(HERE), engine: HOLDER.engine! });
      },
      ['queued'],
    );
    expect(ended).toEqual(['own']);
    expect(hasValues('queued')).toBe(true);
    expect(hasValues('foreign')).toBe(true);
    expect(hasValues('own')).toBe(false);
  });

  test('is not touched if there are too many queued submissions to know them', async () => {
    const { ended, hasValues } = await planAfter((store) => leave(store, 'left', on(HERE)), null);
    expect(ended).toEqual([]);
    expect(hasValues('left')).toBe(true);
  });

  test('elsewhere is not ended because of an unsigned manifest', async () => {
    const { ended } = await planAfter(async (store) => {
      await submitTo(store, { submission: 'forged', manifest: on(ELSEWHERE) });
    }, []);
    expect(ended).toEqual([]);
  });

  test('keeps its values if it was submitted a moment ago: it may be about to be queued', async () => {
    const { hasValues } = await planAfter(async (store) => {
      await leave(store, 'recent', { submitted_at: new Date().toISOString() });
      await leave(store, 'old', { options: OPTIONS });
    }, []);
    expect(hasValues('recent')).toBe(true);
    expect(hasValues('old')).toBe(false);
    expect(hasValues('s1')).toBe(true);
  });
});
