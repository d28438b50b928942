/** Runs per second over the last seconds, or over a longer time if runs end less often. */
export class Rate {
  static readonly #WINDOW_MS = 10_000;
  static readonly #MIN_RUNS = 5;
  /** Times at which runs ended; the first is when counting began. */
  #changes: { readonly at: number; readonly done: number }[] = [];
  #now = 0;

  /** @param at milliseconds on a monotonic clock */
  add(at: number, done: number): void {
    this.#now = at;
    const last = this.#changes.at(-1);
    // Fewer than before: another submission took over, and counts from its own start.
    if (!last || done < last.done) this.#changes = [{ at, done }];
    else if (done > last.done) this.#changes.push({ at, done });
    while (this.#mayForgetFirst(done)) this.#changes.shift();
  }

  #mayForgetFirst(done: number): boolean {
    const second = this.#changes[1];
    return (
      second !== undefined && this.#now - second.at > Rate.#WINDOW_MS && done - second.done >= Rate.#MIN_RUNS
    );
  }

  /** Runs per second; undefined before anything was done. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#changes[0], this.#changes.at(-1)];
    if (!first || !last || this.#now === first.at || last.done === first.done) return undefined;
    return ((last.done - first.done) * 1000) / (this.#now - first.at);
  }
}
