import type { PositionRange } from '../../batch-executor.js';
import type { ArraySpec } from './array-spec.js';

/** What tells which positions a task has. */
export type Blocks = Pick<ArraySpec, 'ranges' | 'per_task'>;

/** The positions of one task, from 0: the block of `per_task` positions of the ranges one after another that is its. */
export function blockOf({ ranges, per_task }: Blocks, task: number): PositionRange[] {
  const block: PositionRange[] = [];
  let skip = task * per_task;
  let wanted = per_task;
  for (const { from, to } of ranges) {
    const size = to - from;
    if (skip < size && wanted > 0) {
      const start = from + skip;
      const end = Math.min(to, start + wanted);
      block.push({ from: start, to: end });
      wanted -= end - start;
    }
    skip = Math.max(0, skip - size);
  }
  return block;
}

/** Which tasks of an array have any of the positions, ascending. */
export function tasksOf({ ranges, per_task }: Blocks, positions: readonly PositionRange[]): number[] {
  const tasks = new Set<number>();
  let before = 0;
  for (const { from, to } of ranges) {
    for (const wanted of positions) {
      const start = Math.max(from, wanted.from);
      const end = Math.min(to, wanted.to);
      if (start >= end) continue;
      const last = Math.floor((before + end - 1 - from) / per_task);
      for (let task = Math.floor((before + start - from) / per_task); task <= last; task++) tasks.add(task);
    }
    before += to - from;
  }
  return [...tasks].sort((a, b) => a - b);
}

export const countPositions = (ranges: readonly PositionRange[]): number =>
  ranges.reduce((sum, { from, to }) => sum + to - from, 0);
