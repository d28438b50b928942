import type { PositionRange } from '../../batch-executor.js';

/**
 * A try of a batch, each an array of its own. What an array leaves for a reason that another one mends, more memory, a node
 * that works, is tried by the same batch: for the workflow, rounds in which nothing is recorded are a sign of something else.
 */
export interface Round {
  readonly number: number;
  /** Ascending; null: all of the batch's. */
  readonly ranges: readonly PositionRange[] | null;
  /** Each run in a task of its own, since one of them is suspected of having ended a task for all. */
  readonly alone: boolean;
}

export const FIRST_ROUND: Round = { number: 0, ranges: null, alone: false };

/** The token of a round's array. */
export const roundToken = (token: string, { number }: Round): string =>
  number === 0 ? token : `${token}-${number}`;

/** @param positions ascending @param most ranges */
export function rangesOf(positions: Iterable<number>, most = Number.POSITIVE_INFINITY): PositionRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const position of positions) {
    const last = ranges.at(-1);
    if (last?.to === position) last.to++;
    else if (ranges.length < most) ranges.push({ from: position, to: position + 1 });
    else break;
  }
  return ranges;
}

/** What ranges have in common. Both ascending. */
export const within = (ranges: readonly PositionRange[], others: readonly PositionRange[]): PositionRange[] =>
  ranges.flatMap((range) =>
    others
      .map(({ from, to }) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }))
      .filter(({ from, to }) => from < to),
  );
