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
