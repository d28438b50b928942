import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countPositions, mergeRanges } from '../../../../src/definition/position-range.js';
import { FreeRanges } from '../../../../src/execution/slurm/task/free-ranges.js';
import {
  type Piece,
  WorkQueue,
  type WorkQueueOptions,
} from '../../../../src/execution/slurm/task/work-queue.js';

let array: string;
beforeEach(() => {
  array = mkdtempSync(join(tmpdir(), 'metalab-queue-'));
});
afterEach(() => rmSync(array, { recursive: true }));

interface Made {
  readonly positions?: number;
  readonly tasks?: number;
  readonly slots?: number;
  readonly ranges?: WorkQueueOptions['spec']['ranges'];
  readonly chunk_size?: number;
  readonly options?: Partial<WorkQueueOptions>;
}

function queueOf({ positions = 100, tasks = 1, slots = 1, chunk_size, options, ...made }: Made) {
  const { ranges = [{ from: 0, to: positions }] } = made;
  const free = new FreeRanges(array, 0, { positions: countPositions(ranges), tasks });
  const queue = new WorkQueue({
    spec: { ranges, tasks, slots, ...(chunk_size === undefined ? {} : { chunk_size }) },
    free,
    deadline: Number.POSITIVE_INFINITY,
    held: [],
    allBegun: async () => false,
    onChange: async () => {},
    ...options,
  });
  return { free, queue };
}

/** Does a piece at a pace, as the queue is told. */
const doAll = (queue: WorkQueue, piece: Piece, msPerRun: number) =>
  queue.done(piece, piece.range.to, msPerRun * (piece.range.to - piece.range.from));

/** Does pieces until there are none, or `most` positions are done: then other tasks might give back something. */
async function sizesOf(queue: WorkQueue, msPerRun: number, most = Number.POSITIVE_INFINITY) {
  const sizes: number[] = [];
  for (let rest = most; rest > 0; rest -= sizes.at(-1)!) {
    const piece = await queue.next();
    if (!piece) return sizes;
    sizes.push(piece.range.to - piece.range.from);
    await doAll(queue, piece, msPerRun);
  }
  return sizes;
}

describe('a task takes', () => {
  test('one run for each slot at first, then what two seconds allow, and less and less at the end', async () => {
    const { queue } = queueOf({ positions: 1_000, tasks: 2 });
    const sizes = await sizesOf(queue, 20, 1_000);
    expect(sizes.slice(0, 3)).toEqual([1, 100, 100]);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(1_000);
    expect(sizes.at(-1)).toBeLessThanOrEqual(5);
  });

  test('long runs one by one, and runs of no length in large parts to the end', async () => {
    expect(await sizesOf(queueOf({ positions: 20, tasks: 2 }).queue, 30_000, 20)).toEqual(Array(20).fill(1));
    rmSync(join(array, 'free'), { recursive: true });
    const sizes = await sizesOf(queueOf({ positions: 100_000, tasks: 10 }).queue, 0.1, 100_000);
    expect(sizes.length).toBeLessThan(100);
  });

  test('all that there is', async () => {
    const { queue } = queueOf({ positions: 7 });
    await sizesOf(queue, 1);
    expect([queue.isDone, queue.holds]).toEqual([true, []]);
  });

  test('what lies together in the plan', async () => {
    const ranges = [
      { from: 10, to: 12 },
      { from: 20, to: 25 },
    ];
    const { queue } = queueOf({ ranges, options: { held: [{ from: 1, to: 5 }] } });
    const pieces = [(await queue.next())!, (await queue.next())!];
    expect(pieces.map(({ range }) => range)).toEqual([
      { from: 11, to: 12 },
      { from: 20, to: 23 },
    ]);
    expect(queue.holds).toEqual([
      { from: 1, to: 2 },
      { from: 2, to: 5 },
    ]);
  });

  test('as many runs as chunk_size says, unless no other task waits for its place', async () => {
    const many = { positions: 12, tasks: 4, chunk_size: 3 };
    expect((await sizesOf(queueOf(many).queue, 1)).reduce((sum, size) => sum + size)).toBe(3);
    const { queue } = queueOf({ ...many, options: { allBegun: async () => true } });
    expect((await sizesOf(queue, 1)).reduce((sum, size) => sum + size)).toBe(9);
    rmSync(join(array, 'free'), { recursive: true });
    const one = queueOf({ positions: 4, tasks: 4, chunk_size: 1, options: { allBegun: async () => true } });
    expect(await sizesOf(one.queue, 1)).toEqual([1]);
  });

  test('nothing whose runs might not end in time', async () => {
    const { free, queue } = queueOf({ options: { deadline: performance.now() + 60_000 } });
    const piece = (await queue.next())!;
    await doAll(queue, piece, 70_000);
    expect(await queue.next()).toBeUndefined();
    expect(queue.isDone).toBe(false);
    expect(await free.list()).toEqual([{ from: 1, to: 100 }]);
  });
});

describe('a task gives back', () => {
  /** Its slot has ten positions. */
  async function busy(options: Made = {}) {
    const made = queueOf({ tasks: 2, positions: 40, ...options });
    await doAll(made.queue, (await made.queue.next())!, 100);
    const piece = (await made.queue.next())!;
    expect(piece.range).toEqual({ from: 1, to: 10 });
    return { ...made, piece };
  }
  const REST = { from: 20, to: 40 };

  test('what is behind a run that takes long', async () => {
    const { free, queue, piece } = await busy();
    expect(queue.giveBackBehind(piece, 3)).toBe(true);
    await expect.poll(() => free.list()).toEqual([{ from: 4, to: 10 }, { from: 10, to: 20 }, REST]);
    expect(queue.giveBackBehind(piece, 3)).toBe(false);
    expect(queue.holds).toEqual([{ from: 1, to: 4 }]);
    await queue.done(piece, 4, 20_000);
    expect(queue.holds).toEqual([]);
  });

  test('what its slot had no time for, or was stopped before', async () => {
    const { free, queue, piece } = await busy();
    queue.stop(true);
    await queue.done(piece, 5, 4_000);
    expect(await free.list()).toEqual([{ from: 5, to: 10 }, { from: 10, to: 20 }, REST]);
    expect(await queue.next()).toBeUndefined();
    expect(queue.holds).toEqual([]);
  });

  test('nothing when Slurm ends it: that is reported as held', async () => {
    const { free, queue, piece } = await busy();
    queue.stop(false);
    queue.keep(piece, 5);
    await queue.close();
    expect(mergeRanges(await free.list())).toEqual([{ from: 10, to: 40 }]);
    expect(queue.holds).toEqual([{ from: 5, to: 10 }]);
  });

  test('nothing where that fails: it does the rest itself', async () => {
    const giveBack = () => Promise.reject(new Error('disk full'));
    const real = new FreeRanges(array, 0, { positions: 40, tasks: 2 });
    const free = { take: (wanted: (count: number) => number) => real.take(wanted), giveBack };
    const { queue, piece } = await busy({ options: { free } });
    await queue.done(piece, 5, 4_000);
    expect((await queue.next())?.range).toEqual({ from: 5, to: 10 });
  });
});
