const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Adam (Kingma & Ba 2015) with decoupled weight decay (AdamW: Loshchilov & Hutter 2019, algorithm 2). */
export class AdamW {
  readonly #learningRate: number;
  readonly #weightDecay: number;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #step = 0;

  /** @param size how many parameters there are */
  constructor(size: number, learningRate: number, weightDecay: number) {
    this.#learningRate = learningRate;
    this.#weightDecay = weightDecay;
    this.#first = new Float64Array(size);
    this.#second = new Float64Array(size);
  }

  /** One step against the gradient, in place. */
  update(parameters: Float64Array, gradient: Float64Array): void {
    this.#step++;
    const correction1 = 1 - BETA1 ** this.#step;
    const correction2 = 1 - BETA2 ** this.#step;
    for (let i = 0; i < parameters.length; i++) {
      const g = gradient[i]!;
      const first = BETA1 * this.#first[i]! + (1 - BETA1) * g;
      const second = BETA2 * this.#second[i]! + (1 - BETA2) * g * g;
      this.#first[i] = first;
      this.#second[i] = second;
      const direction = first / correction1 / (Math.sqrt(second / correction2) + EPSILON);
      parameters[i]! -= this.#learningRate * (direction + this.#weightDecay * parameters[i]!);
    }
  }
}
