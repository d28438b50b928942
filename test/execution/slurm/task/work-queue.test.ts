import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  countPositions,
  mergeRanges,
  type PositionRange,
} from '../../../../src/definition/position-range.js';
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

  test('after a requeue no more than chunk_size together with what it held', async () => {
    const options = { held: [{ from: 0, to: 1 }], allBegun: async () => true };
    expect(await sizesOf(queueOf({ positions: 4, tasks: 4, chunk_size: 1, options }).queue, 1)).toEqual([1]);
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
    queue.giveBackBehind(piece, 3);
    await expect.poll(() => free.list()).toEqual([{ from: 4, to: 10 }, { from: 10, to: 20 }, REST]);
    queue.giveBackBehind(piece, 3);
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

  test('nothing where that fails: it does the rest itself, in the usual time', async () => {
    const { queue, piece } = await busy({ options: { free: withoutReturns() } });
    const before = performance.now();
    await queue.done(piece, 5, 4_000);
    const next = (await queue.next())!;
    expect(next.range).toEqual({ from: 5, to: 10 });
    expect(next.due).toBeGreaterThanOrEqual(before + 4_000);
  });

  test('nothing that its live file still says it holds', async () => {
    let said: PositionRange[] = [];
    let free: PositionRange[] = [];
    const real = new FreeRanges(array, 0, { positions: 40, tasks: 2 });
    const onChange = async () => {
      said = queue?.holds ?? [];
      free = await real.list();
    };
    let queue: WorkQueue | undefined;
    const made = await busy({ options: { onChange } });
    queue = made.queue;
    await queue.done(made.piece, 5, 4_000);
    expect([said, free]).toEqual([[{ from: 1, to: 5 }], [{ from: 10, to: 20 }, REST]]);
    expect(await real.list()).toEqual([{ from: 5, to: 10 }, { from: 10, to: 20 }, REST]);
  });

  test('all before it ends', async () => {
    const { promise: allowed, resolve: allow } = withResolvers();
    const real = new FreeRanges(array, 0, { positions: 40, tasks: 2 });
    let returned = 0;
    const giveBack = async (range: PositionRange) => {
      await allowed;
      await real.giveBack(range);
      returned++;
    };
    const { queue, piece } = await busy({ options: { free: { take: (most) => real.take(most), giveBack } } });
    queue.giveBackBehind(piece, 3);
    await queue.done(piece, 4, 20_000);
    const closed = queue.close().then(() => returned);
    allow();
    expect(await closed).toBe(1);
    expect(await real.list()).toEqual([{ from: 4, to: 10 }, { from: 10, to: 20 }, REST]);
  });

  /** Positions can be taken and not given back, as on a disk without room for another file. */
  function withoutReturns() {
    const real = new FreeRanges(array, 0, { positions: 40, tasks: 2 });
    return {
      take: (wanted: (count: number) => number) => real.take(wanted),
      giveBack: () => Promise.reject(new Error('disk full')),
    };
  }

  test('or keeps all that could not be given back while it took more', async () => {
    const { promise: allowed, resolve: allow } = withResolvers();
    const free = withoutReturns();
    let takes = 0;
    const take: typeof free.take = async (wanted) => {
      if (++takes === 3) await allowed;
      return free.take(wanted);
    };
    const { queue } = queueOf({ positions: 40, tasks: 2, slots: 2, options: { free: { ...free, take } } });
    for (const first of [await queue.next(), await queue.next()]) await doAll(queue, first!, 100);
    const [piece, other] = [(await queue.next())!, (await queue.next())!];
    await doAll(queue, other, 100);
    const next = queue.next();
    await expect.poll(() => takes).toBe(3);
    await queue.done(piece, piece.range.from + 2, 200);
    allow();
    await next;
    const left = await new FreeRanges(array, 0, { positions: 40, tasks: 2 }).list();
    expect(mergeRanges([...queue.holds, ...left])).toEqual([
      { from: piece.from + 2, to: piece.range.to },
      { from: other.range.to, to: 40 },
    ]);
  });
});

describe('what no slot has begun goes back', () => {
  /** How long after it was taken a piece is due, at most and at least, after first runs of a given duration. */
  async function holdOf(msPerRun: number | undefined, made: Made = { positions: 40, tasks: 2 }) {
    const { queue } = queueOf(made);
    for (let slot = 0; msPerRun !== undefined && slot < (made.slots ?? 1); slot++)
      await doAll(queue, (await queue.next())!, msPerRun);
    const before = performance.now();
    const { due, range } = (await queue.next())!;
    return { runs: range.to - range.from, most: due - before, least: due - performance.now() };
  }

  test.each([
    ['after 4 s at first', undefined, 1, 4_000],
    ['after twice the time that its runs should take', 100, 9, 1_800],
    ['after 4 s at the latest', 10_000, 1, 4_000],
    ['after 0.25 s at the earliest', 1, 19, 250],
  ])('%s', async (_, msPerRun, runs, hold) => {
    const held = await holdOf(msPerRun);
    expect(held.runs).toBe(runs);
    expect(held.most).toBeGreaterThanOrEqual(hold);
    expect(held.least).toBeLessThanOrEqual(hold);
  });

  test('when it has been shared among slots in the time of one of them', async () => {
    const { least, most } = await holdOf(100, { positions: 80, tasks: 2, slots: 2 });
    expect(most).toBeGreaterThanOrEqual(1_900);
    expect(least).toBeLessThanOrEqual(1_900);
  });

  test('counted from when its live file was written; until then no slot begins it', async () => {
    const { promise: written, resolve: write } = withResolvers();
    let changes = 0;
    const { queue } = queueOf({ slots: 2, options: { onChange: () => (++changes === 1 ? written : done) } });
    const begun: Piece[] = [];
    const first = queue.next().then((piece) => begun.push(piece!));
    await expect.poll(() => changes).toBe(1);
    const second = queue.next().then((piece) => begun.push(piece!));
    await new Promise(setImmediate);
    expect(begun).toEqual([]);
    expect(queue.holds).toHaveLength(2);
    const before = performance.now();
    write();
    await Promise.all([first, second]);
    expect(begun.map(({ range }) => range)).toEqual([
      { from: 0, to: 1 },
      { from: 1, to: 2 },
    ]);
    expect(Math.min(...begun.map(({ due }) => due))).toBeGreaterThanOrEqual(before + 4_000);
  });
  const done = Promise.resolve();
});

function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
