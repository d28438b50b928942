import type { LostRun } from '../../../runner/protocol.js';
import type { PositionRange } from './array-spec.js';
import { countPositions } from './blocks.js';

/** A range for one slot, with the runs of it that are lost. */
export interface Piece extends PositionRange {
  readonly lost: readonly LostRun[];
}

/** A task's positions, handed out to its slots in pieces that get smaller: no slot waits long for another at the end. */
export class WorkQueue {
  #ranges: readonly PositionRange[];
  /** Each a piece of its own, before everything else: nothing is run on the way to what is only recorded. */
  readonly #lost: LostRun[];
  readonly #slots: number;
  readonly #out = new Set<Piece>();
  #wake: (() => void)[] = [];
  #stopped = false;

  constructor(ranges: readonly PositionRange[], lost: readonly LostRun[], slots: number) {
    this.#slots = slots;
    this.#lost = lost.filter(({ position }) =>
      ranges.some(({ from, to }) => from <= position && position < to),
    );
    this.#ranges = this.#lost.reduce(without, ranges);
  }

  /** What is not done: not handed out, or not given back yet. Ascending. */
  get left(): readonly PositionRange[] {
    const lost = this.#lost.map(({ position }) => ({ from: position, to: position + 1 }));
    const all = [...this.#ranges, ...this.#out, ...lost].sort((a, b) => a.from - b.from);
    const merged: { from: number; to: number }[] = [];
    for (const { from, to } of all) {
      const last = merged.at(-1);
      if (last?.to === from) last.to = to;
      else merged.push({ from, to });
    }
    return merged;
  }

  /** The next piece; waits while others may still give something back. @returns undefined when there is no more */
  async next(): Promise<Piece | undefined> {
    while (!this.#stopped) {
      const piece = this.#take();
      if (piece) return piece;
      if (this.#out.size === 0) return undefined;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return undefined;
  }

  /** @param next the piece's first position that was not done */
  giveBack(piece: Piece, next: number): void {
    this.#out.delete(piece);
    const rest = { from: next, to: piece.to };
    if (next < piece.to && next <= (piece.lost[0]?.position ?? -1)) this.#lost.push(...piece.lost);
    else if (next < piece.to) this.#ranges = [rest, ...this.#ranges];
    this.#wakeAll();
  }

  /** Nothing more is handed out. */
  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
  }

  #take(): Piece | undefined {
    const lost = this.#lost.shift();
    if (lost) return this.#hand({ from: lost.position, to: lost.position + 1, lost: [lost] });
    const [first, ...others] = this.#ranges;
    if (!first) return undefined;
    const share = this.#slots === 1 ? first.to : Math.ceil(countPositions(this.#ranges) / (2 * this.#slots));
    const to = Math.min(first.to, first.from + share);
    this.#ranges = to < first.to ? [{ from: to, to: first.to }, ...others] : others;
    return this.#hand({ from: first.from, to, lost: [] });
  }

  #hand(piece: Piece): Piece {
    this.#out.add(piece);
    return piece;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function without(ranges: readonly PositionRange[], { position }: LostRun): PositionRange[] {
  return ranges.flatMap(({ from, to }) =>
    position < from || position >= to
      ? [{ from, to }]
      : [
          { from, to: position },
          { from: position + 1, to },
        ].filter((range) => range.from < range.to),
  );
}
