import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

/**
 * How many chunks a worker executes concurrently. It polls for a chunk only when a slot is free, so that other workers
 * get the rest. For a submission that asks for more slots than the worker was started with, a background worker grows
 * until the submission ends.
 */
export class SlotCapacity implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #own: number;
  readonly #grows: boolean;
  readonly #asked = new Map<string, number>();
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param options.grows whether submissions may have more slots than `own` */
  constructor(own: number, options: { readonly grows: boolean }) {
    this.#own = own;
    this.#grows = options.grows;
  }

  get size(): number {
    return this.#grows ? Math.max(this.#own, ...this.#asked.values()) : this.#own;
  }

  provide(submission: string, slots: number | null): void {
    if (slots !== null && slots > this.#own) this.#asked.set(submission, slots);
    this.#serve();
  }

  release(submission: string): void {
    this.#asked.delete(submission);
  }

  async reserveSlot(_: unknown, signal: AbortSignal): Promise<SlotPermit> {
    const permit = this.tryReserveSlot();
    if (permit) return permit;
    return new Promise((resolve, reject) => {
      const serve = () => {
        signal.removeEventListener('abort', abort);
        this.#taken++;
        resolve({});
      };
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(serve), 1);
        // The SDK recognises its own abort by the reason itself.
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(serve);
    });
  }

  tryReserveSlot(): SlotPermit | null {
    if (this.#taken >= this.size) return null;
    this.#taken++;
    return {};
  }

  markSlotUsed(): void {}

  releaseSlot(): void {
    this.#taken--;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#taken < this.size) this.#waiting.shift()!();
  }
}
