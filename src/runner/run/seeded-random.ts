import { randomBytes } from 'node:crypto';
import { type Rng, rngFrom } from '../../definition/rng.js';
import { endedOrigin } from './run-origin.js';

let seed = '';
let rng: Rng | undefined;
/** Leftover code of ended runs draws from here, so that it does not change the run in progress. */
let leftoverRng: Rng | undefined;

/**
 * Replaces `Math.random` by a generator that {@link reseedRandom} seeds, so that code that uses it is reproducible too.
 */
export function patchRandom(): void {
  Math.random = function random() {
    if (endedOrigin()) {
      leftoverRng ??= rngFrom(randomBytes(16));
      return leftoverRng.float();
    }
    rng ??= rngFrom(Buffer.from(seed, 'hex'));
    return rng.float();
  };
}

/**
 * Nearly free: the generator is created at the first call of `Math.random`.
 *
 * @param fingerprint at least 32 hex digits, of which the first 32 are the generator's state
 */
export function reseedRandom(fingerprint: string): void {
  seed = fingerprint;
  rng = undefined;
}
