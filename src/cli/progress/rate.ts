/** Runs a second over the last seconds: what the reader means by "now". */
export class Rate {
  static readonly #WINDOW_MS = 10_000;
  readonly #samples: { readonly at: number; readonly done: number }[] = [];

  /** @param at milliseconds on a monotonic clock */
  add(at: number, done: number): void {
    // Fewer than before: another submission took over, and counts from its own beginning.
    if (done < (this.#samples.at(-1)?.done ?? 0)) this.#samples.length = 0;
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > Rate.#WINDOW_MS) this.#samples.shift();
  }

  /** Runs per second; undefined before anything was done. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at === first.at || last.done === first.done) return undefined;
    return ((last.done - first.done) * 1000) / (last.at - first.at);
  }
}
