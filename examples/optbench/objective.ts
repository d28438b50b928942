import type { Rng } from 'metalab';
import type { Problem } from './problems.js';

/** The optimum is moved from the problem's own by at most this share of the search box, in every coordinate. */
const LARGEST_SHIFT = 0.1;

/** Checkpoints are this factor apart: about 20 in a decade of evaluations. */
const CHECKPOINT_FACTOR = 1.12;

/** The best point found until then. */
export interface Checkpoint {
  readonly evaluations: number;
  readonly value: number;
  readonly x: Float64Array;
}

export interface SearchLimits {
  readonly budget: number;
  readonly target: number;
}

/**
 * A problem as an optimiser sees it: it counts evaluations and keeps the best point. The optimum is shifted at random,
 * because many of these functions have theirs at the origin or on a diagonal, where an optimiser can find it by an
 * accident of its construction (Hansen, Auger, Finck & Ros 2010, Real-Parameter Black-Box Optimization Benchmarking).
 */
export class Objective {
  readonly low: number;
  readonly high: number;
  readonly #problem: Problem;
  readonly #limits: SearchLimits;
  readonly #shift: Float64Array;
  readonly #unshifted: Float64Array;
  readonly #best: Float64Array;
  readonly #checkpoints: Checkpoint[] = [];
  #bestValue = Number.POSITIVE_INFINITY;
  #evaluations = 0;
  #nextCheckpoint = 1;

  constructor(problem: Problem, dimension: number, limits: SearchLimits, rng: Rng) {
    this.low = problem.low;
    this.high = problem.high;
    this.#problem = problem;
    this.#limits = limits;
    const largest = LARGEST_SHIFT * this.width;
    this.#shift = Float64Array.from({ length: dimension }, () => rng.float(-largest, largest));
    this.#unshifted = new Float64Array(dimension);
    this.#best = new Float64Array(dimension);
  }

  /** The width of the search box: the natural unit of steps. */
  get width(): number {
    return this.high - this.low;
  }

  /** Whether the search should stop: its budget is spent, or the target is reached. */
  get done(): boolean {
    return this.#evaluations >= this.#limits.budget || this.solved;
  }

  get solved(): boolean {
    return this.#bestValue <= this.#limits.target;
  }

  /** Euclidean distance of the best point from the optimum. */
  get distance(): number {
    return Math.hypot(...this.#best.map((xi, i) => xi - this.#shift[i]! - this.#problem.minimiser));
  }

  /** Costs one evaluation. */
  value(x: Float64Array): number {
    const value = this.#problem.value(this.#unshift(x));
    this.#count(x, value);
    return value;
  }

  /** Costs two evaluations: reverse-mode derivatives are about as dear as the function (Griewank & Walther 2008). */
  valueAndGradient(x: Float64Array, gradient: Float64Array): number {
    const value = this.value(x);
    this.#problem.gradient(this.#unshift(x), gradient);
    this.#count(x, value);
    return value;
  }

  /** Closes the search with a checkpoint of its end. */
  finish(): { checkpoints: readonly Checkpoint[]; evaluations: number; solved: boolean } {
    if (this.#checkpoints.at(-1)?.evaluations !== this.#evaluations) this.#checkpoint();
    return { checkpoints: this.#checkpoints, evaluations: this.#evaluations, solved: this.solved };
  }

  #unshift(x: Float64Array): Float64Array {
    for (let i = 0; i < x.length; i++) this.#unshifted[i] = x[i]! - this.#shift[i]!;
    return this.#unshifted;
  }

  #count(x: Float64Array, value: number): void {
    // An optimiser may finish its iteration; what it finds after the end does not count.
    if (this.done) return;
    this.#evaluations++;
    if (value < this.#bestValue) {
      this.#bestValue = value;
      this.#best.set(x);
    }
    if (this.#evaluations < this.#nextCheckpoint) return;
    this.#checkpoint();
    this.#nextCheckpoint = Math.ceil(this.#evaluations * CHECKPOINT_FACTOR);
  }

  #checkpoint(): void {
    this.#checkpoints.push({ evaluations: this.#evaluations, value: this.#bestValue, x: this.#best.slice() });
  }
}
