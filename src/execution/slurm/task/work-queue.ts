import type { PositionRange } from '../../batch-executor.js';
import { countPositions } from './blocks.js';

/** A task's positions, handed out to its slots in pieces that get smaller: no slot waits long for another at the end. */
export class WorkQueue {
  #ranges: readonly PositionRange[];
  readonly #slots: number;
  readonly #out = new Set<PositionRange>();
  #wake: (() => void)[] = [];
  #stopped = false;

  constructor(ranges: readonly PositionRange[], slots: number) {
    this.#slots = slots;
    this.#ranges = ranges;
  }

  /** What is not done: not handed out, or not given back yet. Ascending. */
  get left(): readonly PositionRange[] {
    const all = [...this.#ranges, ...this.#out].sort((a, b) => a.from - b.from);
    const merged: { from: number; to: number }[] = [];
    for (const { from, to } of all) {
      const last = merged.at(-1);
      if (last?.to === from) last.to = to;
      else merged.push({ from, to });
    }
    return merged;
  }

  /** The next piece; waits while others may still give something back. @returns undefined when there is no more */
  async next(): Promise<PositionRange | undefined> {
    while (!this.#stopped) {
      const piece = this.#take();
      if (piece) return piece;
      if (this.#out.size === 0) return undefined;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return undefined;
  }

  /** @param next the piece's first position that was not done */
  giveBack(piece: PositionRange, next: number): void {
    this.#out.delete(piece);
    if (next < piece.to) this.#ranges = [{ from: next, to: piece.to }, ...this.#ranges];
    this.#wakeAll();
  }

  /** Nothing more is handed out. */
  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
  }

  #take(): PositionRange | undefined {
    const [first, ...others] = this.#ranges;
    if (!first) return undefined;
    const share = this.#slots === 1 ? first.to : Math.ceil(countPositions(this.#ranges) / (2 * this.#slots));
    const to = Math.min(first.to, first.from + share);
    this.#ranges = to < first.to ? [{ from: to, to: first.to }, ...others] : others;
    return this.#hand({ from: first.from, to });
  }

  #hand(piece: PositionRange): PositionRange {
    this.#out.add(piece);
    return piece;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
