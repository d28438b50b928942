import type { PositionRange } from '../../../definition/position-range.js';
import type { ArraySpec } from './array-spec.js';

/** What determines which positions a task has. */
export type Blocks = Pick<ArraySpec, 'ranges' | 'per_task'>;

/** The positions of one task, counted from 0: its block of `per_task` positions across the ranges. */
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

/** The parts of some ranges that are in none of the others. Both ascending. */
export function without(ranges: readonly PositionRange[], others: readonly PositionRange[]): PositionRange[] {
  return ranges.flatMap(({ from, to }) => {
    const kept: PositionRange[] = [];
    let start = from;
    for (const other of others) {
      if (other.to <= start || other.from >= to) continue;
      if (other.from > start) kept.push({ from: start, to: other.from });
      start = other.to;
    }
    if (start < to) kept.push({ from: start, to });
    return kept;
  });
}

/** The cells of some of an array's positions, given those of all of them. */
export function cellsOf(
  { ranges, cells }: { readonly ranges: readonly PositionRange[]; readonly cells: Uint32Array },
  wanted: readonly PositionRange[],
): Uint32Array {
  const found: Uint32Array[] = [];
  for (const { from, to } of wanted) {
    let before = 0;
    for (const range of ranges) {
      const [start, end] = [Math.max(from, range.from), Math.min(to, range.to)];
      if (start < end) found.push(cells.subarray(before + start - range.from, before + end - range.from));
      before += range.to - range.from;
    }
  }
  return Uint32Array.from(found.flatMap((part) => [...part]));
}

export const overlap = (one: PositionRange, other: PositionRange): boolean =>
  one.from < other.to && other.from < one.to;
