import type { ErrorDescription } from './errors.js';
import type { Objective } from './objective.js';
import type { MetricValue, RunStatus } from './record.js';

/** The best run so far. */
export interface BestRun extends Pick<Objective, 'direction'> {
  readonly value: number;
  /** Its cell's index. */
  readonly index: number;
}

/** How runs failed. */
export interface CommonError {
  /** The first run's, in one line; null if the errors differ. */
  readonly message: string | null;
  /** Runs that failed. */
  readonly count: number;
}

/** A summary of runs in addition to counts and means. Small, because it is part of every chunk's report. */
export interface RunDigest {
  readonly best?: BestRun;
  readonly error?: CommonError;
}

/** Characters. */
const MAX_MESSAGE = 200;

/** Computes the digest of runs that are added one after another. */
export class DigestCounter {
  readonly #objective: Objective | undefined;
  #digest: RunDigest = {};

  constructor(objective: Objective | undefined) {
    this.#objective = objective;
  }

  add(
    index: number,
    status: RunStatus,
    metrics: { readonly [name: string]: MetricValue } | undefined,
    error: ErrorDescription | null,
  ): void {
    if (status === 'failed') {
      const message = error ? oneLine(error) : '';
      this.#digest = mergeDigests(this.#digest, { error: { message, count: 1 } });
    }
    if (status !== 'success' || !this.#objective) return;
    const { metric, direction } = this.#objective;
    const value = metrics?.[metric];
    // NaN is never best.
    if (typeof value === 'number' && Number.isFinite(value))
      this.#digest = mergeDigests(this.#digest, { best: { value, index, direction } });
  }

  toDigest(): RunDigest {
    return this.#digest;
  }
}

/** Merges digests of disjoint runs, in any order. */
export function mergeDigests(a: RunDigest | undefined, b: RunDigest | undefined): RunDigest {
  const best = better(a?.best, b?.best);
  const error = mergeErrors(a?.error, b?.error);
  return { ...(best && { best }), ...(error && { error }) };
}

/** Among equal values, the one that comes first in params × seeds. */
function better(a: BestRun | undefined, b: BestRun | undefined): BestRun | undefined {
  if (!a || !b) return a ?? b;
  if (a.value === b.value) return a.index <= b.index ? a : b;
  return a.value < b.value === (a.direction === 'min') ? a : b;
}

function mergeErrors(a: CommonError | undefined, b: CommonError | undefined): CommonError | undefined {
  if (!a || !b) return a ?? b;
  const same = a.message !== null && b.message !== null && kindOf(a.message) === kindOf(b.message);
  return { message: same ? a.message : null, count: a.count + b.count };
}

/** Messages that differ only in their numbers count as the same. */
const kindOf = (message: string) => message.replace(/\d+(\.\d+)?/g, '#');

const oneLine = ({ type, message }: ErrorDescription) =>
  `${type}: ${message.split('\n', 1)[0]}`.slice(0, MAX_MESSAGE);
