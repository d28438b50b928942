import { createHash } from 'node:crypto';
import type { Problem } from './errors.js';
import { optionProblems, refuse } from './refuse.js';
import { type Rng, rngFrom } from './rng.js';

/** `replicates` runs of every case, each with seeds derived from `base` and its replicate's number. */
export interface SeedPlan {
  /** A whole number from 0. */
  readonly base: number;
  /** At least 1. */
  readonly replicates: number;
}

/**
 * Declares how often every case is run, and from which base seed.
 *
 * @throws DefinitionError when base or replicates is not a whole number in range, or another option is given
 */
export function seeds(plan: { readonly base: number; readonly replicates?: number }): SeedPlan {
  const { base, replicates = 1 } = plan ?? {};
  const problems: Problem[] = optionProblems('seeds', plan ?? null, ['base', 'replicates']);
  if (!Number.isSafeInteger(base) || base < 0) {
    problems.push({
      where: 'seeds.base',
      what: `is ${String(base)}`,
      expected: 'a whole number from 0, e.g. base: 42',
    });
  }
  if (!Number.isSafeInteger(replicates) || replicates < 1) {
    problems.push({
      where: 'seeds.replicates',
      what: `is ${String(replicates)}`,
      expected: 'a whole number from 1',
    });
  }
  refuse(problems);
  return problems.length > 0 ? { base: 0, replicates: 1 } : { base, replicates };
}

/** The seeds of one run: independent named streams from one base and one replicate. */
export class Seeds {
  /** The base seed that all of this run's streams derive from. */
  readonly root: bigint;
  /** The replicate's number, from 0. */
  readonly replicate: number;

  constructor(root: number | bigint, replicate: number) {
    this.root = BigInt(root);
    this.replicate = replicate;
  }

  /** An unsigned 64-bit seed: the first 8 bytes, big-endian, of sha256(`root:name:replicate`). */
  derive(name = 'default'): bigint {
    return this.#digest(name).readBigUInt64BE(0);
  }

  /** `derive(name)` modulo 2³²: for libraries that take 32-bit seeds. */
  seed32(name = 'default'): number {
    return this.#digest(name).readUInt32BE(4);
  }

  /** A separate random number generator for every name. Calling it again with a name restarts the same stream. */
  rng(name = 'default'): Rng {
    return rngFrom(this.#digest(name));
  }

  /** Seeds shared by all replicates, for data prepared once, e.g. a train/test split. */
  forPreprocessing(): Seeds {
    return forPreprocessing(this.root);
  }

  #digest(name: string): Buffer {
    return createHash('sha256').update(`${this.root}:${name}:${this.replicate}`).digest();
  }
}

/** Seeds whose root is the first 8 bytes of sha256(`base:preprocessing:0`), of replicate 0. */
export function forPreprocessing(base: number | bigint): Seeds {
  return new Seeds(new Seeds(base, 0).derive('preprocessing'), 0);
}
