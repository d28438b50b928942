import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../../../src/execution/slurm/task/work-queue.js';

describe("a task's positions", () => {
  test('are handed out once each, in pieces that get smaller', async () => {
    const queue = new WorkQueue([{ from: 0, to: 100 }], 2);
    const sizes: number[] = [];
    const seen: number[] = [];
    for (let piece = await queue.next(); piece; piece = await queue.next()) {
      sizes.push(piece.to - piece.from);
      for (let at = piece.from; at < piece.to; at++) seen.push(at);
      queue.giveBack(piece, piece.to);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, at) => at));
    expect(sizes[0]).toBe(25);
    expect(sizes.at(-1)).toBe(1);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(queue.left).toEqual([]);
  });

  test('come back with what a slot did not do, and others wait for it', async () => {
    const queue = new WorkQueue(
      [
        { from: 0, to: 1 },
        { from: 5, to: 6 },
      ],
      2,
    );
    const first = (await queue.next())!;
    const second = (await queue.next())!;
    const waiting = queue.next();
    expect(queue.left).toEqual([
      { from: 0, to: 1 },
      { from: 5, to: 6 },
    ]);
    queue.giveBack(second, 6);
    queue.giveBack(first, 0);
    expect(await waiting).toMatchObject({ from: 0, to: 1 });
  });

  test('are handed out no more once the task is stopped, and are told as left', async () => {
    const queue = new WorkQueue([{ from: 0, to: 10 }], 1);
    const piece = (await queue.next())!;
    queue.stop();
    queue.giveBack(piece, 3);
    expect(await queue.next()).toBeUndefined();
    expect(queue.left).toEqual([{ from: 3, to: 10 }]);
  });

  test('behind a long run go to others, in this task or in another one', async () => {
    const queue = new WorkQueue([{ from: 0, to: 8 }], 1, { expecting: true });
    const piece = (await queue.next())!;
    expect(piece).toEqual({ from: 0, to: 4 });
    const cut = queue.cutShort(piece, 1);
    expect(queue.left).toEqual([{ from: 0, to: 8 }]);
    expect(queue.spare).toBe(7);
    const given = [queue.split(2)!, queue.split(2)!, queue.split(1)!, queue.split(1)];
    expect(given).toEqual([{ from: 4, to: 8 }, { from: 2, to: 4 }, { from: 1, to: 2 }, undefined]);
    queue.giveBack(cut, 1);
    const waiting = queue.next();
    expect(await queue.untilIdle()).toBe(true);
    queue.add({ from: 20, to: 21 });
    expect(await waiting).toEqual({ from: 20, to: 21 });
  });
});
