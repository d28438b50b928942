/** Slots by worker: of the worker that planned, and of each one that got a chunk and is not known to have ended. */
export class WorkerSlots {
  readonly #slots: { [worker: string]: number };

  constructor(slots: { readonly [worker: string]: number }) {
    this.#slots = { ...slots };
  }

  get total(): number {
    return Object.values(this.#slots).reduce((sum, slots) => sum + slots, 0);
  }

  /**
   * @param slots 0 if the worker has ended, or is about to
   * @returns whether this changed anything
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
