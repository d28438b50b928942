import { type Rng, rngFrom } from '../definition/rng.js';

let seed = '';
let rng: Rng | undefined;

/** Replaces `Math.random` by a generator that {@link reseedRandom} seeds: careless code is reproducible too. */
export function patchRandom(): void {
  Math.random = function random() {
    rng ??= rngFrom(Buffer.from(seed, 'hex'));
    return rng.float();
  };
}

/**
 * Nearly free: the generator is made by the first call after it.
 *
 * @param fingerprint at least 32 hex digits, of which the first 32 are the generator's state
 */
export function reseedRandom(fingerprint: string): void {
  seed = fingerprint;
  rng = undefined;
}
