/** A range of plan positions: from ≤ position < to. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The positions that no chunk holds: few ranges, in order. Chunks take from the front and give back what they left. */
export class Ranges {
  #ranges: Range[];

  constructor(ranges: readonly Range[]) {
    this.#ranges = ranges.filter((range) => range.from < range.to);
  }

  get size(): number {
    return this.#ranges.reduce((size, range) => size + range.to - range.from, 0);
  }

  /** Takes at most `count` positions, all from one range. */
  take(count: number): Range | undefined {
    const [first, ...rest] = this.#ranges;
    if (!first) return undefined;
    const to = Math.min(first.to, first.from + Math.max(1, Math.floor(count)));
    this.#ranges = to < first.to ? [{ from: to, to: first.to }, ...rest] : rest;
    return { from: first.from, to };
  }

  /** Takes at most `count` positions, from at most `pieces` ranges. */
  takePieces(count: number, pieces: number): readonly Range[] {
    const taken: Range[] = [];
    for (let rest = count; rest > 0 && taken.length < pieces; ) {
      const range = this.take(rest);
      if (!range) break;
      taken.push(range);
      rest -= range.to - range.from;
    }
    return taken;
  }

  /** Inserts a range in order, merged with adjacent ones. */
  giveBack(range: Range): void {
    if (range.from >= range.to) return;
    const merged: Range[] = [];
    for (const next of [...this.#ranges, range].sort((a, b) => a.from - b.from)) {
      const last = merged.at(-1);
      if (last && next.from <= last.to)
        merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
      else merged.push(next);
    }
    this.#ranges = merged;
  }

  toJSON(): readonly Range[] {
    return this.#ranges;
  }
}
