import type { createLogUpdate } from 'log-update';

type Update = ReturnType<typeof createLogUpdate>;

const PROGRESS_MS = 200;

/**
 * Lines at the end of a terminal that are redrawn. All other output to the same terminal goes through `above`: written
 * directly, it would shift the lines and leave a stale copy of them on the screen.
 */
export class LiveArea {
  readonly #stream: NodeJS.WriteStream;
  #update: Update | undefined;
  #shown: string | undefined;
  #progressAt = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  async show(text: string): Promise<void> {
    if (!this.#update) {
      const { createLogUpdate } = await import('log-update');
      this.#update = createLogUpdate(this.#stream);
    }
    this.#shown = text;
    this.#update(text);
  }

  /** Shows how far something is: on a terminal only, and a few times a second. */
  progress(text: () => string): void {
    if (!this.isTerminal || performance.now() - this.#progressAt < PROGRESS_MS) return;
    this.#progressAt = performance.now();
    void this.show(text());
  }

  /** Writes text that stays on the screen, with the live lines below it. */
  above(text: string): void {
    if (this.#shown !== undefined) this.#update?.clear();
    this.#stream.write(text);
    if (this.#shown !== undefined) this.#update?.(this.#shown);
  }

  /** Removes the live lines and restores the cursor. */
  clear(): void {
    this.#update?.clear();
    this.#update?.done();
    this.#update = undefined;
    this.#shown = undefined;
  }
}
