/** Slots by worker: of the one that planned, and of every one that got a chunk and is not known to have ended. */
export class WorkerSlots {
  readonly #slots: { [worker: string]: number };

  constructor(slots: { readonly [worker: string]: number }) {
    this.#slots = { ...slots };
  }

  /** Of all of them together. */
  get total(): number {
    return Object.values(this.#slots).reduce((sum, slots) => sum + slots, 0);
  }

  /**
   * @param slots 0 where the worker has ended, or is about to
   * @returns whether that was news
   */
  set(worker: string, slots: number): boolean {
    if ((this.#slots[worker] ?? 0) === slots) return false;
    if (slots > 0) this.#slots[worker] = slots;
    else delete this.#slots[worker];
    return true;
  }

  toJSON(): { readonly [worker: string]: number } {
    return this.#slots;
  }
}
