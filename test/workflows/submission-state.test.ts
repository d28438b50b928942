import { describe, expect, it } from 'vitest';
import type { ExecuteResult, PlanResult } from '../../src/contract/activities.js';
import { SubmissionState } from '../../src/workflows/submission-state.js';

const plan = (positions: number, slots: number): PlanResult => ({
  total: positions + 3,
  positions,
  new: positions,
  retried: 0,
  reused: { success: 2, failed: 1, cancelled: 0 },
  stale: { code: 0, context: 0 },
  worker: 'one',
  slots,
});
const report = (next: number, success: number, more: Partial<ExecuteResult> = {}): ExecuteResult => ({
  next,
  success,
  failed: 0,
  cancelled: 0,
  busy_ms: success,
  elapsed_ms: success,
  means: {},
  worker: 'one',
  slots: 2,
  ...more,
});
const begin = (slots: number | null = null) =>
  SubmissionState.begin(
    { submission: 's', declaration: 'd', options: { slots, keep_failed: false, fresh: false } },
    '2026-01-01T00:00:00.000Z',
  );

describe('a submission in progress', () => {
  it('hands out every position once, and counts what chunks report', () => {
    const state = begin();
    state.planned(plan(10, 2));
    const seen: number[] = [];
    for (let range = state.nextChunk(); range; range = state.nextChunk()) {
      for (let position = range.from; position < range.to; position++) seen.push(position);
      state.chunkEnded(range, report(range.to, range.to - range.from));
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(state.status(null)).toMatchObject({ total: 13, reused: 3, success: 10, running: 0 });
  });

  it('hands out again what a chunk left, and all of a chunk that failed', () => {
    const state = begin();
    state.planned(plan(8, 1));
    const first = state.nextChunk()!;
    state.chunkEnded(first, report(1, 1));
    const second = state.nextChunk()!;
    expect(second.from).toBe(1);
    state.chunkEnded(second, undefined);
    expect(state.nextChunk()!.from).toBe(1);
    expect(state.status(null)).toMatchObject({ success: 1, running: 1 });
  });

  it('counts the slots of workers from their first message to their last, and keeps one chunk waiting for the next worker', () => {
    const state = begin();
    state.planned(plan(100, 2));
    for (let chunk = 0; chunk < 2; chunk++) state.nextChunk();
    expect([state.slots, state.window]).toEqual([2, 2]);
    state.waitsForNewcomers = true;
    expect(state.window).toBe(3);
    // Nothing is known of the runs but that they are long: it keeps nothing from others.
    const waiting = state.nextChunk()!;
    expect(waiting.to - waiting.from).toBe(1);
    const { offers } = state;
    state.workerOffers('two', 4);
    expect([state.slots, state.window, state.offers]).toEqual([6, 7, offers + 1]);
    state.workerOffers('two', 4);
    expect(state.offers).toBe(offers + 1);
    state.workerOffers('one', 0);
    state.workerOffers('two', 0);
    expect(state.slots).toBe(1);
    // It was taken for dead: what it reports says otherwise.
    state.chunkEnded(waiting, report(waiting.to, 1));
    expect(state.slots).toBe(2);
  });

  it('hands out what a chunk will not start before that chunk has ended, and once', () => {
    const state = begin(1);
    state.planned(plan(8, 1));
    const first = state.nextChunk()!;
    expect(first).toEqual({ from: 0, to: 4 });
    const { offers } = state;
    state.chunkTells({ from: 0, next: 1 });
    state.chunkTells({ from: 0, next: 3 });
    expect(state.offers).toBe(offers + 1);
    expect(state.status(null)).toMatchObject({ chunks: [0], chunk_ends: [1] });
    const second = state.nextChunk()!;
    expect(second.from).toBe(1);
    state.chunkEnded(first, report(1, 1));
    state.chunkEnded(second, report(second.to, second.to - 1));
    expect(state.nextChunk()!.from).toBe(second.to);
  });

  it('deals batches of several pieces, and counts those that did nothing one after the other', () => {
    const dealing = { queue: 'batches', at_once: 2, most: 3 };
    const state = begin();
    state.planned({ ...plan(6, 2), dealing });
    const [first, second] = [state.nextChunk()!, state.nextChunk()!];
    expect([first.ranges, second.ranges]).toEqual([[{ from: 0, to: 3 }], [{ from: 3, to: 6 }]]);
    expect(state.window).toBe(2);
    const nothing = (left: readonly { from: number; to: number }[]) =>
      report(0, 0, { left, job: '7', dealing });
    // Both were ended by the same cause.
    for (const batch of [first, second]) {
      const result = nothing(batch.ranges!);
      state.batchEnded(batch, result);
      state.chunkEnded(batch, result);
    }
    expect(state.emptyBatches).toBe(1);
    const third = state.nextChunk()!;
    state.batchEnded(third, nothing(third.ranges!));
    expect(state.emptyBatches).toBe(2);
    const result = report(0, 2, { left: [{ from: 1, to: 2 }], job: '8', dealing });
    state.batchEnded(third, result);
    state.chunkEnded(third, result);
    expect(state.emptyBatches).toBe(0);
    expect(state.nextChunk()!.ranges).toEqual([
      { from: 1, to: 2 },
      { from: 3, to: 5 },
    ]);
  });

  it('says that it is paused whatever else it waits for', () => {
    const state = begin();
    state.planned(plan(6, 2));
    state.unwritable = 'full';
    expect(state.status({ reason: 'lunch', by: 'ann@n1', at: null })).toMatchObject({
      phase: 'waiting',
      reason: 'full',
      paused: true,
    });
  });

  it('has as many slots as its workers together, unless it asked for a number', () => {
    const state = begin();
    state.planned(plan(100, 2));
    expect(state.slots).toBe(2);
    state.chunkEnded(state.nextChunk()!, report(100, 1, { worker: 'two', slots: 6 }));
    expect(state.slots).toBe(8);
    const asked = begin(3);
    asked.planned(plan(100, 2));
    expect(asked.slots).toBe(3);
  });

  it('has one chunk more waiting than it has slots, unless workers would give it more slots than it asked for', () => {
    const state = begin(2);
    state.planned(plan(100, 2));
    expect(state.window).toBe(2);
    const range = state.nextChunk()!;
    state.chunkEnded(range, report(range.to, range.to - range.from));
    expect(state.window).toBe(3);
    const modest = begin(1);
    modest.planned(plan(100, 2));
    expect(modest.window).toBe(1);
    modest.nextChunk();
    expect(modest.status(null).running).toBe(1);
  });

  it('is the same after continue-as-new', () => {
    const state = begin();
    state.planned(plan(100, 2));
    const range = state.nextChunk()!;
    state.chunkEnded(range, report(range.to, 25, { failed: 2, means: { loss: { n: 25, mean: 1, m2: 3 } } }));
    const revived = new SubmissionState(JSON.parse(JSON.stringify(state.snapshot())));
    expect(revived.status(null)).toEqual(state.status(null));
    expect(revived.reported.toJSON()).toEqual(state.reported.toJSON());
    expect(revived.nextChunk()).toEqual(state.nextChunk());
  });

  it('counts rounds of settling that brought nothing new', () => {
    const state = begin();
    state.planned(plan(10, 1));
    for (let range = state.nextChunk(); range; range = state.nextChunk())
      state.chunkEnded(range, report(range.to, 0));
    state.requeue([{ from: 3, to: 5 }], 8);
    expect(state.settlesWithoutProgress).toBe(0);
    state.requeue([{ from: 3, to: 5 }], 8);
    state.requeue([{ from: 3, to: 5 }], 8);
    expect(state.settlesWithoutProgress).toBe(2);
    expect(state.nextChunk()!.from).toBe(3);
  });
});
