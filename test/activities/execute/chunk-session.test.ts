import { Context, type Info } from '@temporalio/activity';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ChunkSession } from '../../../src/activities/execute/chunk-session.js';
import { StopSignal } from '../../../src/activities/stop-signal.js';
import type { ExecuteInput } from '../../../src/contract/activities.js';
import { FAULT } from '../../../src/contract/workflow.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { beginAttempt } from '../activity-context.js';
import { FakeWorker, statusOf, WORKER } from '../fakes.js';
import { OPTIONS, SWEEP } from '../submission-in-store.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const INPUT: ExecuteInput = {
  store: 'file:///store',
  experiment_id: SWEEP,
  submission: 's1',
  declaration: 'sha',
  options: OPTIONS,
  from: 10,
  to: 20,
  budget_ms: 60_000,
};

/** A chunk of positions 10 … 19. @param info how its attempt differs from a first one that has just been scheduled */
async function sessionOf(info: Partial<Info> = {}, input: Partial<ExecuteInput> = {}) {
  // No session opens its store.
  const worker = new FakeWorker({} as FileStore);
  const attempt = beginAttempt(info);
  const chunk = { ...INPUT, ...input };
  const [session, signal] = await attempt.run(async () => [
    new ChunkSession(worker.dependencies, chunk),
    new StopSignal(Context.current(), worker.dependencies),
  ]);
  const runs = (position: number) =>
    session.look(
      {
        report: { success: 0, failed: 0, cancelled: 0, means: {} },
        running: { position, attempt: 1, started_at: '', progress: null },
        peak_rss_bytes: 0,
      },
      chunk.to,
      signal,
    );
  return {
    worker,
    workflow: worker.workflow,
    heartbeats: attempt.heartbeats,
    session,
    signal,
    runs,
    end: () => attempt.run(() => session.end()),
  };
}

const waited = () => ({ currentAttemptScheduledTimestampMs: Date.now() - 5_000 });
const paused = statusOf('s1', { phase: 'paused', paused: true });

describe('a chunk that is about to begin', () => {
  test('does not ask its workflow if it came at once', async () => {
    const { workflow, heartbeats, end } = await sessionOf();
    workflow.status = paused;
    expect(await end()).toBe(20);
    expect(heartbeats).toEqual([]);
  });

  test.each([
    ['paused', paused],
    ['being cancelled', statusOf('s1', { phase: 'cancelling' })],
    ['about to continue as new', statusOf('s1', { yields: true })],
  ])('does not begin if it waited and its submission is %s', async (_, status) => {
    const { workflow, end } = await sessionOf(waited());
    workflow.status = status;
    expect(await end()).toBeUndefined();
  });

  test('sends a heartbeat if it waited, which finds out whether another worker has it', async () => {
    const { heartbeats, end } = await sessionOf(waited());
    await end();
    expect(heartbeats).toEqual([{ worker: WORKER }]);
  });

  test('begins if it waited and nothing is against it', async () => {
    const { workflow, end } = await sessionOf(waited());
    workflow.status = statusOf('s1', { chunks: [0, 10], chunk_ends: [10, 20] });
    expect(await end()).toBe(20);
  });

  test('ends where an earlier attempt gave back what followed, since other slots have that', async () => {
    const { workflow, end } = await sessionOf({ attempt: 2 });
    workflow.status = statusOf('s1', { chunks: [0, 10], chunk_ends: [10, 13] });
    expect(await end()).toBe(13);
  });

  test('does not begin again before its workflow has said where it ends', async () => {
    const { workflow, end } = await sessionOf({ attempt: 2 });
    workflow.status = undefined;
    await expect(end()).rejects.toMatchObject({ type: FAULT.execution, nonRetryable: false });
  });

  test('begins the first time even if its workflow does not answer: nothing can have been given back', async () => {
    const { workflow, end } = await sessionOf(waited());
    workflow.status = undefined;
    expect(await end()).toBe(20);
  });

  test('is not stopped by the pause of another submission', async () => {
    const { workflow, end } = await sessionOf(waited());
    workflow.status = { ...paused, submission: 's2' };
    expect(await end()).toBe(20);
  });

  test('tells its workflow which worker was lost with it', async () => {
    const { workflow } = await sessionOf({ attempt: 2, heartbeatDetails: { worker: 'desktop-1' } });
    expect(workflow.announced).toEqual([{ submission: 's1', worker: WORKER, slots: 2, lost: 'desktop-1' }]);
  });

  test('reports no worker as lost if it comes back to the same one', async () => {
    const { workflow } = await sessionOf({ attempt: 2, heartbeatDetails: { worker: WORKER } });
    expect(workflow.announced).toMatchObject([{ lost: null }]);
  });
});

describe('a chunk past its budget', () => {
  test('gives back what follows its run in progress, once, and starts nothing more', async () => {
    const { workflow, session, signal, runs } = await sessionOf();
    session.begin();
    runs(10);
    vi.advanceTimersByTime(9_000);
    runs(12);
    expect(workflow.told).toEqual([]);
    for (let second = 9; second < 61; second++) {
      vi.advanceTimersByTime(1_000);
      runs(12);
    }
    await Promise.resolve();
    runs(12);
    expect(workflow.told).toEqual([{ submission: 's1', from: 10, next: 13 }]);
    expect(signal.stopped).toBe('yield');
  });

  test('repeats a signal that its workflow did not receive', async () => {
    const { workflow, session, runs } = await sessionOf({}, { budget_ms: 1_000 });
    session.begin();
    workflow.isReachable = false;
    vi.advanceTimersByTime(2_000);
    runs(12);
    await vi.waitFor(() => {
      runs(12);
      expect(workflow.told).toHaveLength(2);
    });
    workflow.isReachable = true;
  });

  test('keeps its last run: there is nothing to give back', async () => {
    const { workflow, session, signal, runs } = await sessionOf({}, { budget_ms: 1_000 });
    session.begin();
    vi.advanceTimersByTime(5_000);
    runs(19);
    expect(workflow.told).toEqual([]);
    expect(signal.stopped).toBeUndefined();
  });
});

describe('a chunk with a long budget', () => {
  test('comes back soon after a pause', async () => {
    const { workflow, session, signal } = await sessionOf();
    workflow.status = statusOf('s1');
    session.watch(signal);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signal.stopped).toBeUndefined();
    workflow.status = paused;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(signal.stopped).toBe('yield');
    session.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('goes on while its workflow does not answer', async () => {
    const { workflow, session, signal } = await sessionOf();
    workflow.status = undefined;
    session.watch(signal);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(signal.stopped).toBeUndefined();
    session.close();
  });
});
