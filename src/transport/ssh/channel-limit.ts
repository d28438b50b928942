import { untilAborted } from '../time-limit.js';

/** Lets a limited number through at a time; the others wait in order of arrival. */
export class ChannelLimit {
  #most: number;
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Waits for a turn.
   *
   * @returns a function that ends the turn; calling it again does nothing
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#used < this.#most) this.#used++;
    else await this.#wait(signal);
    let given = false;
    return () => {
      if (!given) this.#give();
      given = true;
    };
  }

  /** Lowers the limit by one, since the last channel was one too many. Returns false if it is the only one. */
  lower(): boolean {
    if (this.#used <= 1) return false;
    this.#most = this.#used - 1;
    return true;
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    let turn = () => {};
    const came = new Promise<void>((resolve) => {
      turn = resolve;
      this.#waiting.push(turn);
    });
    try {
      await untilAborted(came, signal);
    } catch (error) {
      const index = this.#waiting.indexOf(turn);
      // Its turn may have come at the same moment.
      if (index === -1) this.#give();
      else this.#waiting.splice(index, 1);
      throw error;
    }
  }

  #give(): void {
    this.#used--;
    if (this.#used >= this.#most) return;
    const next = this.#waiting.shift();
    if (!next) return;
    this.#used++;
    next();
  }
}
