import { describe, expect, test } from 'vitest';
import { countPositions } from '../../../../src/definition/position-range.js';
import { blockOf, tasksOf } from '../../../../src/execution/slurm/task/blocks.js';

const ranges = [
  { from: 2, to: 5 },
  { from: 7, to: 8 },
  { from: 10, to: 16 },
];

describe('the positions of a task', () => {
  test('are its block of the ranges one after another', () => {
    const blocks = [0, 1, 2, 3].map((task) => blockOf({ ranges, per_task: 3 }, task));
    expect(blocks).toEqual([
      [{ from: 2, to: 5 }],
      [
        { from: 7, to: 8 },
        { from: 10, to: 12 },
      ],
      [{ from: 12, to: 15 }],
      [{ from: 15, to: 16 }],
    ]);
  });

  test.each([1, 2, 3, 4, 7, 10, 100])('of all tasks are every position once, %i a task', (per_task) => {
    const tasks = Math.ceil(countPositions(ranges) / per_task);
    const blocks = Array.from({ length: tasks }, (_, task) => blockOf({ ranges, per_task }, task));
    const positions = blocks
      .flat()
      .flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
    expect(positions).toEqual([2, 3, 4, 7, 10, 11, 12, 13, 14, 15]);
    expect(blocks.every((block) => countPositions(block) > 0)).toBe(true);
    expect(blockOf({ ranges, per_task }, tasks)).toEqual([]);
  });
});

test.each([
  [[{ from: 0, to: 100 }], [0, 1, 2, 3]],
  [[{ from: 7, to: 8 }], [1]],
  [[{ from: 4, to: 11 }], [0, 1]],
  [[{ from: 5, to: 7 }], []],
  [
    [
      { from: 15, to: 20 },
      { from: 2, to: 3 },
    ],
    [0, 3],
  ],
])('which tasks have any of some positions is told without asking each: %j', (positions, expected) => {
  expect(tasksOf({ ranges, per_task: 3 }, positions)).toEqual(expected);
});
