import { countPositions, mergeRanges, type PositionRange } from '../../../definition/position-range.js';

/**
 * A task's positions, given to its slots in pieces that get smaller, so that no slot waits long for another at the end.
 */
export class WorkQueue {
  #ranges: readonly PositionRange[];
  readonly #slots: number;
  readonly #out = new Set<PositionRange>();
  #wake: (() => void)[] = [];
  #onIdle: (() => void)[] = [];
  #waiting = 0;
  #stopped = false;
  #expecting: boolean;

  /** @param expecting whether other tasks may give it something, until `expectNothing` is called */
  constructor(ranges: readonly PositionRange[], slots: number, { expecting = false } = {}) {
    this.#slots = slots;
    this.#ranges = ranges;
    this.#expecting = expecting;
  }

  /** Positions that are not done: not given out, or not given back yet. Ascending. */
  get left(): readonly PositionRange[] {
    return mergeRanges([...this.#ranges, ...this.#out]);
  }

  /** How many positions no slot has. */
  get spare(): number {
    return this.#stopped ? 0 : countPositions(this.#ranges);
  }

  /** Whether any slot has a piece. */
  get isBusy(): boolean {
    return this.#out.size > 0;
  }

  /** The next piece; waits while more may come. @returns undefined when there is no more */
  async next(): Promise<PositionRange | undefined> {
    while (!this.#stopped) {
      const piece = this.#take();
      if (piece) return piece;
      if (this.#out.size === 0 && !this.#expecting) return undefined;
      this.#waiting++;
      for (const tell of this.#onIdle.splice(0)) tell();
      await new Promise<void>((resolve) => this.#wake.push(resolve));
      this.#waiting--;
    }
    return undefined;
  }

  /** Waits until a slot has nothing to do. @returns false if the queue is stopped */
  async untilIdle(): Promise<boolean> {
    while (!this.#stopped && (this.#waiting === 0 || this.#ranges.length > 0))
      await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    return !this.#stopped;
  }

  /** @param next the piece's first position that was not done */
  giveBack(piece: PositionRange, next: number): void {
    this.#out.delete(piece);
    this.add({ from: next, to: piece.to });
  }

  /** Cuts the piece short: its slot does it only up to `to`. @returns the piece that the slot has now */
  cutShort(piece: PositionRange, to: number): PositionRange {
    this.#out.delete(piece);
    const cut = this.#hand({ from: piece.from, to });
    this.add({ from: to, to: piece.to });
    return cut;
  }

  add(range: PositionRange): void {
    if (range.from < range.to) this.#ranges = [range, ...this.#ranges];
    this.#wakeAll();
  }

  /** Removes one of `parts` equal parts of the positions that no slot has, from their end, for others. */
  split(parts: number): PositionRange | undefined {
    const last = this.#stopped ? undefined : this.#ranges.at(-1);
    if (!last) return undefined;
    const from = Math.max(last.from, last.to - Math.ceil(this.spare / parts));
    const others = this.#ranges.slice(0, -1);
    this.#ranges = from > last.from ? [...others, { from: last.from, to: from }] : others;
    return { from, to: last.to };
  }

  /** No other task will give it anything any more. */
  expectNothing(): void {
    this.#expecting = false;
    this.#wakeAll();
  }

  /** Gives out nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
    for (const tell of this.#onIdle.splice(0)) tell();
  }

  #take(): PositionRange | undefined {
    const [first, ...others] = this.#ranges;
    if (!first) return undefined;
    const share = Math.ceil(countPositions(this.#ranges) / (2 * this.#slots));
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
