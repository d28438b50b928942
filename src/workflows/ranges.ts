import { countPositions, mergeRanges, type PositionRange } from '../definition/position-range.js';

/** The positions that no chunk holds: few ranges, in order. Chunks take from the front and give back what they left. */
export class Ranges {
  #ranges: PositionRange[];

  constructor(ranges: readonly PositionRange[]) {
    this.#ranges = ranges.filter((range) => range.from < range.to);
  }

  get size(): number {
    return countPositions(this.#ranges);
  }

  /** Takes at most `count` positions, all from one range. */
  take(count: number): PositionRange | undefined {
    const [first, ...rest] = this.#ranges;
    if (!first) return undefined;
    const to = Math.min(first.to, first.from + Math.max(1, Math.floor(count)));
    this.#ranges = to < first.to ? [{ from: to, to: first.to }, ...rest] : rest;
    return { from: first.from, to };
  }

  /** Takes at most `count` positions, in at most `maxRanges` ranges. */
  takeRanges(count: number, maxRanges: number): readonly PositionRange[] {
    const taken: PositionRange[] = [];
    for (let rest = count; rest > 0 && taken.length < maxRanges; ) {
      const range = this.take(rest);
      if (!range) break;
      taken.push(range);
      rest -= range.to - range.from;
    }
    return taken;
  }

  /** Inserts a range in order, merged with adjacent ones. */
  giveBack(range: PositionRange): void {
    if (range.from >= range.to) return;
    this.#ranges = mergeRanges([...this.#ranges, range]);
  }

  toJSON(): readonly PositionRange[] {
    return this.#ranges;
  }
}
