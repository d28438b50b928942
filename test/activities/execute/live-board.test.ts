import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveBoard } from '../../../src/activities/execute/live-board.js';
import { NO_PROGRESS } from '../../../src/execution/batch-executor.js';
import { liveFolder } from '../../../src/storage/file/layout.js';
import type { LiveProgress } from '../../../src/storage/manifest.js';
import { temporaryFolder } from '../../storage/file/temporary-store.js';
import { WORKER } from '../fakes.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const RUNNING = { position: 7, attempt: 1, started_at: '2026-01-01T00:00:00.000Z', progress: 0.5 };

const progress = (success: number, running: typeof RUNNING | null = null) => ({
  report: { success, failed: 0, cancelled: 0, means: {} },
  running,
  peak_rss_bytes: 0,
});

function boardOf() {
  const folder = temporaryFolder();
  const live = liveFolder(folder, 's1');
  mkdirSync(live, { recursive: true });
  const file = join(live, `${WORKER}.json`);
  const updatedAt = () => (JSON.parse(readFileSync(file, 'utf8')) as LiveProgress).updated_at;
  const counts = () =>
    existsSync(file)
      ? (JSON.parse(readFileSync(file, 'utf8')) as LiveProgress).chunks.map(({ from, success }) => [
          from,
          success,
        ])
      : undefined;
  return { folder, live, board: new LiveBoard(WORKER), counts, updatedAt };
}

test('the counts of all chunks in progress are in one file, which is written a few times a second', async () => {
  const { folder, live, board, counts } = boardOf();
  const first = board.open(folder, 's1', 0);
  const second = board.open(folder, 's1', 50);
  for (let done = 1; done <= 40; done++) first.show(progress(done));
  second.show(progress(3));
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(250);
  await expect.poll(counts).toEqual([
    [0, 40],
    [50, 3],
  ]);
  expect(readdirSync(live)).toEqual([`${WORKER}.json`]);
  await board.clear(folder, 's1');
});

test('the file is not written again while nothing changes', async () => {
  const { folder, board, counts, updatedAt } = boardOf();
  const chunk = board.open(folder, 's1', 0);
  chunk.show(progress(4, RUNNING));
  await vi.advanceTimersByTimeAsync(250);
  await expect.poll(counts).toEqual([[0, 4]]);
  const before = updatedAt();
  chunk.show(progress(4, RUNNING));
  await vi.advanceTimersByTimeAsync(250);
  // Waits for what is being written.
  await board.clear(folder, 's1');
  expect(updatedAt()).toBe(before);
});

test('the counts of a chunk that has ended stay until its workflow knows them, and then go', async () => {
  const { folder, board, counts } = boardOf();
  const ended = board.open(folder, 's1', 0);
  const other = board.open(folder, 's1', 50);
  ended.show(progress(9));
  ended.close();
  other.show(progress(1));
  vi.advanceTimersByTime(250);
  await expect.poll(counts).toEqual([
    [0, 9],
    [50, 1],
  ]);
  vi.advanceTimersByTime(750);
  vi.advanceTimersByTime(250);
  await expect.poll(counts).toEqual([[50, 1]]);
  await board.clear(folder, 's1');
});

test('nothing is written for a submission that has ended', async () => {
  const { folder, live, board, counts } = boardOf();
  const chunk = board.open(folder, 's1', 0);
  chunk.show(progress(1));
  await board.clear(folder, 's1');
  expect(vi.getTimerCount()).toBe(0);
  chunk.show(progress(2));
  chunk.close();
  vi.advanceTimersByTime(5_000);
  await board.clear(folder, 's1');
  expect(counts()).toBeUndefined();
  expect(readdirSync(live)).toEqual([]);
});

test('the end of a submission waits for a file that is being written, so that its folder can be removed', async () => {
  const { folder, live, board } = boardOf();
  board.open(folder, 's1', 0).show(progress(1));
  await vi.advanceTimersByTimeAsync(250);
  await board.clear(folder, 's1');
  expect(readdirSync(live)).toEqual([`${WORKER}.json`]);
});

test('the folder of a submission that ended elsewhere is not made again', async () => {
  const folder = temporaryFolder();
  const board = new LiveBoard(WORKER);
  board.open(folder, 's1', 0).show(progress(1));
  await vi.advanceTimersByTimeAsync(250);
  await board.clear(folder, 's1');
  expect(readdirSync(folder)).toEqual([]);
});

test('a file that can not be written leaves nothing behind, and the next one is tried', async () => {
  const { folder, live, board, counts } = boardOf();
  const inTheWay = join(live, `${WORKER}.json`);
  mkdirSync(join(inTheWay, 'something'), { recursive: true });
  const chunk = board.open(folder, 's1', 0);
  chunk.show(progress(1));
  await vi.advanceTimersByTimeAsync(250);
  await board.clear(folder, 's1');
  expect(readdirSync(live)).toEqual([`${WORKER}.json`]);

  rmSync(inTheWay, { recursive: true });
  board.open(folder, 's1', 0).show(progress(2));
  vi.advanceTimersByTime(250);
  await expect.poll(counts).toEqual([[0, 2]]);
  await board.clear(folder, 's1');
});

test("a chunk's heartbeat names its worker, so that its loss can be told, and the run in progress", async () => {
  const { folder, board } = boardOf();
  const chunk = board.open(folder, 's1', 0);
  expect(chunk.summary()).toEqual({ worker: WORKER, running: undefined });
  chunk.show(progress(4, RUNNING));
  expect(chunk.summary()).toEqual({ worker: WORKER, success: 4, failed: 0, running: RUNNING });
  await board.clear(folder, 's1');
});

test("a batch's heartbeat names its job and what it waits for, but not each of its runs", async () => {
  const { folder, board } = boardOf();
  const batch = board.openBatch(folder, 's1', 0);
  expect(batch.summary()).toBeUndefined();
  const runs = [{ position: 3, started_at: '2026-01-01T00:00:00.000Z', progress: null }];
  batch.show({ ...NO_PROGRESS, success: 2, job: '17', waits: 'Priority', stuck: false, runs });
  const summary = batch.summary();
  expect(summary).toMatchObject({ worker: WORKER, success: 2, failed: 0, job: '17', waits: 'Priority' });
  expect(summary).not.toHaveProperty('runs');
  await board.clear(folder, 's1');
});
