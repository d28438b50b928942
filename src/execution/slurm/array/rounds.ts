import { addPosition, type GrowingRanges, type PositionRange } from '../../../definition/position-range.js';

/**
 * One try of a batch, with an array of its own. If an array fails for a reason that another array fixes (more memory, a
 * working node), the same batch tries again: to the workflow, a round in which nothing is recorded means something
 * else.
 */
export interface Round {
  readonly number: number;
  /** Ascending; null: all ranges of the batch. */
  readonly ranges: readonly PositionRange[] | null;
  /** Each run gets a task of its own, since one of them is suspected of having ended a whole task. */
  readonly alone: boolean;
}

export const FIRST_ROUND: Round = { number: 0, ranges: null, alone: false };

/** The token of a round's array. */
export const roundToken = (token: string, { number }: Round): string =>
  number === 0 ? token : `${token}-${number}`;

/** @param positions ascending @param most the most ranges */
export function rangesOf(positions: Iterable<number>, most = Number.POSITIVE_INFINITY): PositionRange[] {
  const ranges: GrowingRanges = [];
  for (const position of positions) addPosition(ranges, position, most);
  return ranges;
}

/** The intersection of two lists of ranges, both ascending. */
export const within = (ranges: readonly PositionRange[], others: readonly PositionRange[]): PositionRange[] =>
  ranges.flatMap((range) =>
    others
      .map(({ from, to }) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }))
      .filter(({ from, to }) => from < to),
  );
