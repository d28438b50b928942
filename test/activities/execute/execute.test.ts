import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { CancelledFailure, type Info } from '@temporalio/activity';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createExecute } from '../../../src/activities/execute/execute.js';
import type { ExecuteInput, ExecuteResult } from '../../../src/contract/activities.js';
import { FAULT } from '../../../src/contract/workflow.js';
import { ExecutionFault } from '../../../src/execution/execution-fault.js';
import type { Executor, RangeProgress } from '../../../src/execution/executor.js';
import { SigningKey } from '../../../src/identity/signature.js';
import type { ChunkReport } from '../../../src/runner/protocol/protocol.js';
import { environmentFile } from '../../../src/storage/file/layout.js';
import { environmentDocument, manifestDocument } from '../../../src/storage/signed-files.js';
import { asOrdinaryUser } from '../../storage/file/ordinary-user.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { beginAttempt } from '../activity-context.js';
import { FakeWorker, OTHER_ENGINE, statusOf, WORKER } from '../fakes.js';
import { declarationOf, record, SWEEP, submitTo } from '../submission-in-store.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

type Request = Parameters<Executor['execute']>[0];
type Options = Parameters<Executor['execute']>[1];

const reportOf = (next: number, success: number, failed = 0): ChunkReport => ({
  next,
  success,
  failed,
  cancelled: 0,
  busy_ms: 10 * (success + failed),
  means: {},
});

const progressOf = (position: number): RangeProgress => ({
  report: { success: 1, failed: 0, cancelled: 0, means: {} },
  running: { position, attempt: 1, started_at: '2026-01-01T00:00:00.000Z', progress: null },
  peak_rss_bytes: 0,
});

const faultOf = (code: string, report = reportOf(0, 0)) =>
  new ExecutionFault(code, { type: 'Error', message: `the slot says ${code}` }, report);

/** A planned submission of ten runs, and a worker that executes chunks of it. */
async function sweepOf(parts: Parameters<typeof submitTo>[1] = {}, overrides = {}) {
  const store = await temporaryStore('metalab-');
  const ref = await submitTo(store, parts);
  const worker = new FakeWorker(store, overrides);
  onTestFinished(() => worker.close());
  await worker.leases.hold(store);
  const ordered: Request[] = [];
  let does: (range: Request, options: Options) => Promise<ChunkReport> = async ({ order }) =>
    reportOf(order.to, order.to - order.from);
  worker.execute = (range, options) => {
    ordered.push(range);
    return does(range, options);
  };
  const execute = createExecute(worker.dependencies);
  const begin = (info: Partial<Info> = {}, input: Partial<ExecuteInput> = {}) => {
    const attempt = beginAttempt(info);
    const chunk = { ...ref, from: 0, to: 10, budget_ms: 1_000, ...input };
    return { attempt, result: attempt.run(() => execute(chunk)) };
  };
  return {
    store,
    folder: store.experimentFolder(SWEEP),
    worker,
    workflow: worker.workflow,
    /** What the executor was asked for, in order. */
    ordered,
    ranges: () => ordered.map(({ order: { from, to } }) => [from, to]),
    slot: (next: typeof does) => {
      does = next;
    },
    begin,
    run: (info?: Partial<Info>, input?: Partial<ExecuteInput>) => begin(info, input).result,
  };
}

/** A slot that is busy until it is told to stop. It reports what it has done so far. */
function busySlot(done: (from: number) => ChunkReport) {
  const heard: string[] = [];
  const slot = ({ order }: Request, { signal, onProgress }: Options) =>
    new Promise<ChunkReport>((resolve) => {
      onProgress(progressOf(order.from + 1));
      signal.onStop((how) => {
        heard.push(how);
        resolve(done(order.from));
      });
    });
  return { heard, slot };
}

describe('a chunk', () => {
  test('is executed once, as submitted, and its counts are reported', async () => {
    const sweep = await sweepOf({
      declaration: declarationOf(10, { timeout_ms: 5_000, memory_bytes: 1_000_000, isolate: true }),
      manifest: { umask: 0o027, options: { slots: 4, keep_failed: false, fresh: false } },
      env: '{"SEED_FILE":"/seeds"}',
    });
    sweep.slot(async ({ order }) => reportOf(order.to, 7, 3));
    const result = await sweep.run();
    expect(result).toMatchObject({ next: 10, success: 7, failed: 3, busy_ms: 100, worker: WORKER, slots: 2 });
    expect(sweep.ordered).toMatchObject([
      {
        order: { from: 0, to: 10, budget_ms: 1_000 },
        setup: { folder: sweep.folder, submission: 's1', umask: 0o027 },
        timeout_ms: 5_000,
        memory_bytes: 1_000_000,
        isolate: true,
        cwd: '/project',
        env: { SEED_FILE: '/seeds' },
      },
    ]);
    expect(sweep.worker.provided).toEqual([['s1', 4]]);
  });

  test('that the slot ends early reports where, and the rest is not begun', async () => {
    const sweep = await sweepOf();
    sweep.slot(async () => reportOf(4, 4));
    expect(await sweep.run()).toMatchObject({ next: 4, success: 4 });
    expect(sweep.ranges()).toEqual([[0, 10]]);
  });

  test('leaves neither timers nor listeners behind, however it ends', async () => {
    const sweep = await sweepOf();
    const before = vi.getTimerCount();
    const long = { budget_ms: 60_000 };
    await sweep.run({}, long);
    sweep.slot(() => Promise.reject(faultOf('SLOT_START')));
    await expect(sweep.run({}, long)).rejects.toThrow();
    sweep.slot(() => Promise.reject(new Error('a bug')));
    await expect(sweep.run({}, long)).rejects.toThrow('a bug');
    expect(vi.getTimerCount()).toBe(before);
    expect(sweep.worker.listeners).toBe(0);
  });

  test('sends heartbeats that name its worker and run', async () => {
    const sweep = await sweepOf();
    const { slot } = busySlot((from) => reportOf(from + 2, 2));
    sweep.slot(slot);
    const { attempt, result } = sweep.begin();
    await expect.poll(() => sweep.ordered.length).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(attempt.heartbeats).toMatchObject([{ worker: WORKER, success: 1, running: { position: 1 } }]);
    attempt.cancel('request');
    await result;
  });
});

describe('the second attempt of a chunk', () => {
  test('does only what the first did not record', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [0, 1, 2, 5]);
    sweep.workflow.status = statusOf('s1');
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 10, success: 6 });
    expect(sweep.ranges()).toEqual([
      [3, 5],
      [6, 10],
    ]);
  });

  test('does not begin its next range after the slot has ended one early', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [4]);
    sweep.workflow.status = statusOf('s1');
    sweep.slot(async () => reportOf(2, 2));
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 2, success: 2 });
    expect(sweep.ranges()).toEqual([[0, 4]]);
  });

  test('does nothing if the first recorded everything', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    sweep.workflow.status = statusOf('s1');
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 10, success: 0 });
    expect(sweep.ordered).toEqual([]);
  });

  test('does not do what the first gave back, which other slots have', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [0, 1]);
    sweep.workflow.status = statusOf('s1', { chunks: [0], chunk_ends: [6] });
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 6 });
    expect(sweep.ranges()).toEqual([[2, 6]]);
  });

  test('gives back only what is not recorded if its submission is paused by then', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [0, 1, 2]);
    sweep.workflow.status = statusOf('s1', { phase: 'paused', paused: true });
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 3, success: 0 });
    expect(sweep.ordered).toEqual([]);
  });

  test('gives back only what is not recorded if it is stopped between two ranges', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [0, 1, 2, 5, 6]);
    sweep.workflow.status = statusOf('s1');
    sweep.slot(async ({ order }) => {
      sweep.worker.stop();
      return reportOf(order.to, order.to - order.from);
    });
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 7, success: 2 });
    expect(sweep.ranges()).toEqual([[3, 5]]);
  });

  test('gives back only what is not recorded if it is stopped before it begins', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [0, 1, 2]);
    sweep.workflow.status = statusOf('s1');
    const readPlan = sweep.store.readPlan.bind(sweep.store);
    sweep.store.readPlan = (...args) => {
      sweep.worker.stop();
      return readPlan(...args);
    };
    expect(await sweep.run({ attempt: 2 })).toMatchObject({ next: 3 });
    expect(sweep.ordered).toEqual([]);
  });

  test('fails if its plan is gone, since the positions can not be resolved without it', async () => {
    const sweep = await sweepOf({ isPlanned: false });
    sweep.workflow.status = statusOf('s1');
    await expect(sweep.run({ attempt: 2 })).rejects.toMatchObject({
      type: FAULT.brokenSubmission,
      nonRetryable: true,
    });
  });

  test('counts failures of all its ranges against the limit', async () => {
    const sweep = await sweepOf();
    record(sweep.store, [4]);
    sweep.workflow.status = statusOf('s1');
    sweep.slot(async ({ order }) => reportOf(order.to, 0, 2));
    await sweep.run({ attempt: 2 }, { failures_left: 5 });
    expect(sweep.ordered.map(({ order }) => order.most_failures)).toEqual([5, 3]);
  });
});

describe('a chunk that is stopped', () => {
  test('by a cancel tells the slot to cancel its run, and reports what was recorded', async () => {
    const sweep = await sweepOf();
    const { slot, heard } = busySlot(() => reportOf(2, 1));
    sweep.slot(slot);
    const { attempt, result } = sweep.begin();
    await expect.poll(() => sweep.ordered.length).toBe(1);
    attempt.cancel('request');
    expect(await result).toMatchObject({ next: 2, success: 1 });
    expect(heard).toEqual(['cancel']);
  });

  test('by the end of its worker lets the run end, and offers no more slots', async () => {
    const sweep = await sweepOf();
    const { slot, heard } = busySlot(() => reportOf(2, 2));
    sweep.slot(slot);
    const { result } = sweep.begin();
    await expect.poll(() => sweep.ordered.length).toBe(1);
    sweep.worker.slots = 0;
    sweep.worker.stop();
    expect(await result).toMatchObject({ next: 2, success: 2, slots: 0 });
    expect(heard).toEqual(['yield']);
  });

  test('since another worker has it reports nothing: its counts would be counted twice', async () => {
    const sweep = await sweepOf();
    const { slot, heard } = busySlot(() => reportOf(2, 2));
    sweep.slot(slot);
    const { attempt, result } = sweep.begin();
    await expect.poll(() => sweep.ordered.length).toBe(1);
    attempt.cancel('timeout');
    await expect(result).rejects.toBeInstanceOf(CancelledFailure);
    expect(heard).toEqual(['yield']);
  });

  test('since another engine took the store makes the workflow wait, with what was done', async () => {
    const sweep = await sweepOf();
    const { slot, heard } = busySlot(() => reportOf(3, 3));
    sweep.slot(slot);
    const { result } = sweep.begin();
    await expect.poll(() => sweep.ordered.length).toBe(1);
    await sweep.store.lease.take(OTHER_ENGINE, { takeOver: true });
    await sweep.worker.leases.hold(sweep.store).catch(() => {});
    const failure = await result.catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: FAULT.storeUnwritable,
      nonRetryable: true,
      message: expect.stringContaining('in use by the engine'),
      details: [{ next: 3, success: 3 }],
    });
    expect(heard).toEqual(['yield']);
  });

  test('by a pause comes back although its budget is long', async () => {
    const sweep = await sweepOf();
    const { slot, heard } = busySlot(() => reportOf(2, 2));
    sweep.slot(slot);
    const { result } = sweep.begin({}, { budget_ms: 3_600_000 });
    await expect.poll(() => sweep.ordered.length).toBe(1);
    sweep.workflow.status = statusOf('s1', { phase: 'paused', paused: true });
    vi.advanceTimersByTime(2_000);
    expect(await result).toMatchObject({ next: 2, success: 2 });
    expect(heard).toEqual(['yield']);
  });

  test('before it begins, by the end of its worker, is given back as a whole', async () => {
    const sweep = await sweepOf();
    const readDeclaration = sweep.store.readDeclaration.bind(sweep.store);
    sweep.store.readDeclaration = (...args) => {
      sweep.worker.slots = 0;
      sweep.worker.stop();
      return readDeclaration(...args);
    };
    expect(await sweep.run()).toMatchObject({ next: 0, success: 0, slots: 0 });
    expect(sweep.ordered).toEqual([]);
  });

  test('before it begins, by a pause, is given back as a whole', async () => {
    const sweep = await sweepOf();
    sweep.workflow.status = statusOf('s1', { phase: 'paused', paused: true });
    const waited = { currentAttemptScheduledTimestampMs: Date.now() - 5_000 };
    expect(await sweep.run(waited)).toMatchObject({ next: 0, success: 0 });
    expect(sweep.ordered).toEqual([]);
  });
});

describe('a fault of the slot', () => {
  const failureOf = async (result: Promise<ExecuteResult>) =>
    (await result.then(
      () => expect.unreachable(),
      (error: unknown) => error,
    )) as { readonly nonRetryable: boolean; readonly details: readonly ExecuteResult[] };

  test('for want of room makes the workflow wait, and loses no count of what is recorded', async () => {
    const sweep = await sweepOf();
    sweep.slot(() => Promise.reject(faultOf('ENOSPC', reportOf(6, 5, 1))));
    expect(await failureOf(sweep.run())).toMatchObject({
      type: FAULT.storeUnwritable,
      nonRetryable: true,
      message: expect.stringContaining('the disk is full'),
      details: [{ next: 6, success: 5, failed: 1 }],
    });
  });

  test('for want of permission names the folder, the error and what to do', async () => {
    const sweep = await sweepOf();
    const message = `EACCES: permission denied, mkdir '${sweep.folder}/segments'`;
    const fault = new ExecutionFault('EACCES', { type: 'Error', message }, reportOf(1, 1));
    sweep.slot(() => Promise.reject(fault));
    const failure = await sweep.run().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: FAULT.storeUnwritable,
      message: `${sweep.folder}/segments: permission denied; give yourself access to it, or name another store with --store`,
      details: [{ next: 1, success: 1 }],
    });
  });

  test('is tried again, and ends the sweep at the fifth in a row, with the counts', async () => {
    const sweep = await sweepOf();
    sweep.slot(() => Promise.reject(faultOf('SLOT_START', reportOf(2, 2))));
    for (let fault = 1; fault < 5; fault++)
      expect(await failureOf(sweep.run())).toMatchObject({ type: FAULT.execution, nonRetryable: false });
    expect(await failureOf(sweep.run())).toMatchObject({
      type: FAULT.execution,
      nonRetryable: true,
      message: 'the slot says SLOT_START',
      details: [{ next: 2, success: 2 }],
    });
  });

  test('counts no more once the chunk was executed', async () => {
    const sweep = await sweepOf();
    const fails = () => Promise.reject(faultOf('SLOT_START'));
    for (let round = 0; round < 3; round++) {
      sweep.slot(fails);
      for (let fault = 0; fault < 3; fault++)
        expect(await failureOf(sweep.run())).toMatchObject({ nonRetryable: false });
      sweep.slot(async () => reportOf(10, 10));
      await sweep.run();
    }
  });

  test('of another chunk does not count', async () => {
    const sweep = await sweepOf();
    sweep.slot(() => Promise.reject(faultOf('SLOT_START')));
    for (let from = 0; from < 6; from++)
      expect(await failureOf(sweep.run({}, { from }))).toMatchObject({ nonRetryable: false });
  });

  test('after a full disk is the first one: waiting for room is no fault of slots', async () => {
    const sweep = await sweepOf();
    sweep.slot(() => Promise.reject(faultOf('ENOSPC')));
    for (let round = 0; round < 6; round++) await failureOf(sweep.run());
    sweep.slot(() => Promise.reject(faultOf('SLOT_START')));
    expect(await failureOf(sweep.run())).toMatchObject({ type: FAULT.execution, nonRetryable: false });
  });

  test('in importing the operation ends the sweep at once, and the end of a worker never', async () => {
    const sweep = await sweepOf();
    sweep.slot(() => Promise.reject(faultOf('IMPORT')));
    expect(await failureOf(sweep.run())).toMatchObject({ type: FAULT.execution, nonRetryable: true });
    sweep.slot(() => Promise.reject(faultOf('CLOSED')));
    for (let round = 0; round < 8; round++)
      expect(await failureOf(sweep.run())).toMatchObject({ nonRetryable: false });
  });
});

describe("a submission's files", () => {
  const KEY = new SigningKey(new Uint8Array(32).fill(7));

  /** A submission that was signed, with these variables. */
  async function signedSweep(env: string, names: readonly string[] = []) {
    const sweep = await sweepOf({ declaration: declarationOf(10, { env: names }), env }, { signatures: KEY });
    const { store } = sweep;
    const manifest = (await store.readSubmission(SWEEP, 's1'))!;
    const signed = { ...manifest, env_signature: KEY.sign(environmentDocument(store.id, 's1', env)) };
    await store.writeSubmission({ ...signed, signature: KEY.sign(manifestDocument(store.id, signed)) });
    return { ...sweep, path: environmentFile(sweep.folder, 's1') };
  }

  const broken = (message: string) => ({
    type: FAULT.brokenSubmission,
    nonRetryable: true,
    message: expect.stringContaining(message),
  });

  test('reach its runs as they were signed', async () => {
    const sweep = await signedSweep('{"TOKEN":"1"}');
    await sweep.run();
    expect(sweep.ordered[0]!.env).toEqual({ TOKEN: '1' });
  });

  test('reach no run if somebody has altered its variables or its manifest', async () => {
    const sweep = await signedSweep('{"TOKEN":"1"}');
    writeFileSync(sweep.path, '{"TOKEN":"1","NODE_OPTIONS":"--import=evil"}');
    await expect(sweep.run()).rejects.toMatchObject(broken('its env.json'));
    const other = await signedSweep('{}');
    await other.store.writeSubmission({ ...(await other.store.readSubmission(SWEEP, 's1'))!, umask: 0 });
    await expect(other.run()).rejects.toMatchObject(broken('its submission.json'));
    expect([...sweep.ordered, ...other.ordered]).toEqual([]);
  });

  test('end it if the variables that it names are gone', async () => {
    const sweep = await signedSweep('{"TOKEN":"1"}', ['TOKEN']);
    rmSync(sweep.path);
    await expect(sweep.run()).rejects.toMatchObject(broken('its env.json'));
    expect(sweep.ordered).toEqual([]);
  });

  test('make it wait, and are named, if its own variables may not be read', async () => {
    const sweep = await asOrdinaryUser(() => signedSweep('{"TOKEN":"1"}'));
    chmodSync(sweep.path, 0o000);
    await expect(asOrdinaryUser(() => sweep.run())).rejects.toMatchObject({
      type: FAULT.storeUnwritable,
      nonRetryable: true,
      message: expect.stringContaining(`${sweep.path}: permission denied; give yourself access to it`),
    });
    expect(sweep.ordered).toEqual([]);
    chmodSync(sweep.path, 0o600);
    await asOrdinaryUser(() => sweep.run());
    expect(sweep.ordered[0]!.env).toEqual({ TOKEN: '1' });
  });

  test('are replaced by no other variables while its own can not be read', async () => {
    const sweep = await signedSweep('{"TOKEN":"1"}', ['TOKEN']);
    // A file server that fails for a moment: any fault but that the file is gone.
    rmSync(sweep.path);
    await mkdir(sweep.path);
    await expect(sweep.run()).rejects.toMatchObject({ type: 'METALAB_STORE_IO', nonRetryable: false });
    expect(sweep.ordered).toEqual([]);
    rmSync(sweep.path, { recursive: true });
    writeFileSync(sweep.path, '{"TOKEN":"1"}');
    await sweep.run();
    expect(sweep.ordered[0]!.env).toEqual({ TOKEN: '1' });
  });

  test('that are missing for one attempt are read again by the next', async () => {
    const sweep = await sweepOf();
    const readDeclaration = sweep.store.readDeclaration.bind(sweep.store);
    sweep.store.readDeclaration = async () => undefined;
    await expect(sweep.run()).rejects.toMatchObject(broken('its declaration'));
    sweep.store.readDeclaration = readDeclaration;
    expect(await sweep.run()).toMatchObject({ next: 10 });
  });
});
