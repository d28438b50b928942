import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A reproducible stream of random numbers (xoroshiro128+). */
export interface Rng {
  /** A real number in [0, 1), or in [low, high). */
  float(low?: number, high?: number): number;
  /** A whole number, low ≤ x ≤ high. */
  int(low: number, high: number): number;
  /** A normally distributed real number. */
  normal(mean?: number, std?: number): number;
  /** Shuffles the array in place (Fisher-Yates) and returns it. */
  shuffle<T>(values: T[]): T[];
  /** One of the values. Throws a RangeError if there are none. */
  pick<T>(values: readonly T[]): T;
}

/** Makes a generator whose 128-bit state is the digest's first 16 bytes. */
export function rngFrom(digest: Buffer): Rng {
  return new Xoroshiro(digest);
}

class Xoroshiro implements Rng {
  readonly #generator;
  /** The second number of a Box-Muller pair, kept for the next call. */
  #spare: number | undefined;

  constructor(digest: Buffer) {
    // An all-zero state would yield only zeros: `| 1` makes it impossible.
    this.#generator = xoroshiro128plusFromState([
      digest.readInt32BE(0),
      digest.readInt32BE(4),
      digest.readInt32BE(8),
      digest.readInt32BE(12) | 1,
    ]);
  }

  float(low = 0, high = 1): number {
    return low + uniformFloat64(this.#generator) * (high - low);
  }

  int(low: number, high: number): number {
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low > high) {
      throw new RangeError(`rng.int(${low}, ${high}): expected whole numbers low ≤ high`);
    }
    return uniformInt(this.#generator, low, high);
  }

  normal(mean = 0, std = 1): number {
    if (this.#spare !== undefined) {
      const value = mean + std * this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    const angle = 2 * Math.PI * this.float();
    this.#spare = radius * Math.sin(angle);
    return mean + std * radius * Math.cos(angle);
  }

  shuffle<T>(values: T[]): T[] {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.int(0, last);
      [values[last], values[other]] = [values[other]!, values[last]!];
    }
    return values;
  }

  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('rng.pick: expected at least one value');
    return values[this.int(0, values.length - 1)]!;
  }
}
