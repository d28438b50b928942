/** Readings that ended longer ago are deleted. */
const KEPT_MS = 10_000;

interface Reading<T> {
  readonly value: Promise<T>;
  /** Infinity while it is in progress. */
  endedAt: number;
  /** The reading that begins when this one has ended. */
  following: Promise<T> | undefined;
}

/**
 * Readings that callers with the same key share: one is in progress at a time, and there are no more of them than the
 * caller with the shortest interval needs. Nothing is read unless somebody asks.
 */
export class SharedReadings<T> {
  readonly #latest = new Map<string, Reading<T>>();

  /**
   * The result, or the error, of the reading in progress, of the last one, or of a new one.
   *
   * @param maxAgeMs how long ago the last one may have ended; 0: the reading has to begin after this call
   */
  get(key: string, maxAgeMs: number, read: () => Promise<T>): Promise<T> {
    const latest = this.#latest.get(key);
    const inProgress = latest?.endedAt === Number.POSITIVE_INFINITY;
    if (!latest || (!inProgress && performance.now() - latest.endedAt >= maxAgeMs))
      return this.#begin(key, read);
    if (!inProgress || maxAgeMs > 0) return latest.value;
    latest.following ??= latest.value.then(ignore, ignore).then(() => {
      const now = this.#latest.get(key);
      return now && now !== latest ? now.value : this.#begin(key, read);
    });
    return latest.following;
  }

  #begin(key: string, read: () => Promise<T>): Promise<T> {
    for (const [other, { endedAt }] of this.#latest)
      if (performance.now() - endedAt > KEPT_MS) this.#latest.delete(other);
    const reading: Reading<T> = { value: read(), endedAt: Number.POSITIVE_INFINITY, following: undefined };
    const end = () => {
      reading.endedAt = performance.now();
    };
    // Whoever asked may have stopped waiting.
    reading.value.then(end, end);
    this.#latest.set(key, reading);
    return reading.value;
  }
}

const ignore = () => {};
