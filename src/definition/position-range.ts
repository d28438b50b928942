/** Positions of a plan: from ≤ position < to. */
export interface PositionRange {
  readonly from: number;
  readonly to: number;
}

/** Ranges to which positions are being added. */
export type GrowingRanges = { readonly from: number; to: number }[];

/** Adds a position above all others, unless that needs more than `most` ranges. */
export function addPosition(ranges: GrowingRanges, position: number, most = Number.POSITIVE_INFINITY): void {
  const last = ranges.at(-1);
  if (last?.to === position) last.to++;
  else if (ranges.length < most) ranges.push({ from: position, to: position + 1 });
}

/** The union of ranges, ascending: adjacent and overlapping ranges are merged. */
export function mergeRanges(ranges: readonly PositionRange[]): PositionRange[] {
  const merged: GrowingRanges = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

export const countPositions = (ranges: readonly PositionRange[]): number =>
  ranges.reduce((sum, { from, to }) => sum + to - from, 0);

/** The `from`th to the `to`th of the positions in some ranges, counted from 0. */
export function sliceRanges(ranges: readonly PositionRange[], from: number, to: number): PositionRange[] {
  const slice: PositionRange[] = [];
  let before = 0;
  for (const range of ranges) {
    const start = range.from + Math.max(0, from - before);
    const end = Math.min(range.to, range.from + to - before);
    if (start < end) slice.push({ from: start, to: end });
    before += range.to - range.from;
  }
  return slice;
}
