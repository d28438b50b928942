import type { Rng } from 'metalab';
import type { Example } from './penguins.js';

export const ACTIVATIONS = ['relu', 'tanh'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

export interface MlpShape {
  readonly inputs: number;
  readonly hidden: number;
  readonly classes: number;
  readonly activation: Activation;
}

/** A perceptron with one hidden layer and a softmax output, trained on cross-entropy. */
export class Mlp {
  readonly shape: MlpShape;
  /** All weights and biases as one vector, for the optimiser: [W₁ | b₁ | W₂ | b₂], matrices row by row. */
  readonly parameters: Float64Array;
  readonly #hidden: Float64Array;
  readonly #output: Float64Array;
  readonly #b1: number;
  readonly #w2: number;
  readonly #b2: number;

  /** Weights are normal with variance 2/fan-in before ReLU (He et al. 2015), 1/fan-in otherwise; biases are 0. */
  constructor(shape: MlpShape, rng: Rng) {
    const { inputs, hidden, classes, activation } = shape;
    this.shape = shape;
    this.#b1 = hidden * inputs;
    this.#w2 = this.#b1 + hidden;
    this.#b2 = this.#w2 + classes * hidden;
    this.parameters = new Float64Array(this.#b2 + classes);
    this.#hidden = new Float64Array(hidden);
    this.#output = new Float64Array(classes);

    const gain = activation === 'relu' ? 2 : 1;
    for (let i = 0; i < this.#b1; i++) this.parameters[i] = rng.normal(0, Math.sqrt(gain / inputs));
    for (let i = this.#w2; i < this.#b2; i++) this.parameters[i] = rng.normal(0, Math.sqrt(1 / hidden));
  }

  /** The probability of each class. The array is overwritten by the next call. */
  predict(features: readonly number[]): Float64Array {
    const { inputs, hidden, classes, activation } = this.shape;
    const p = this.parameters;
    for (let unit = 0; unit < hidden; unit++) {
      let sum = p[this.#b1 + unit]!;
      for (let input = 0; input < inputs; input++) sum += p[unit * inputs + input]! * features[input]!;
      this.#hidden[unit] = activation === 'relu' ? Math.max(0, sum) : Math.tanh(sum);
    }
    for (let label = 0; label < classes; label++) {
      let sum = p[this.#b2 + label]!;
      for (let unit = 0; unit < hidden; unit++)
        sum += p[this.#w2 + label * hidden + unit]! * this.#hidden[unit]!;
      this.#output[label] = sum;
    }
    return softmax(this.#output);
  }

  /**
   * Back-propagation (Rumelhart, Hinton & Williams 1986).
   *
   * @param gradient overwritten with the mean loss's gradient, in the order of `parameters`
   * @returns the mean cross-entropy of the batch, in nats
   */
  lossAndGradient(batch: readonly Example[], gradient: Float64Array): number {
    gradient.fill(0);
    let loss = 0;
    for (const { features, label } of batch) {
      const probabilities = this.predict(features);
      loss += negativeLog(probabilities[label]!);
      // The derivative of cross-entropy ∘ softmax by its inputs is p - 1[label]: (Bishop 2006, eq. 4.109).
      probabilities[label]! -= 1;
      this.#accumulate(features, probabilities, gradient);
    }
    for (let i = 0; i < gradient.length; i++) gradient[i]! /= batch.length;
    return loss / batch.length;
  }

  #accumulate(features: readonly number[], delta: Float64Array, gradient: Float64Array): void {
    const { inputs, hidden, classes, activation } = this.shape;
    for (let label = 0; label < classes; label++) gradient[this.#b2 + label]! += delta[label]!;
    for (let unit = 0; unit < hidden; unit++) {
      const value = this.#hidden[unit]!;
      let back = 0;
      for (let label = 0; label < classes; label++) {
        const weight = this.#w2 + label * hidden + unit;
        gradient[weight]! += delta[label]! * value;
        back += delta[label]! * this.parameters[weight]!;
      }
      // Both derivatives can be told from the activation's value.
      back *= activation === 'relu' ? Number(value > 0) : 1 - value * value;
      gradient[this.#b1 + unit]! += back;
      for (let input = 0; input < inputs; input++)
        gradient[unit * inputs + input]! += back * features[input]!;
    }
  }
}

/** -ln p, finite even where p has underflowed to 0. */
export function negativeLog(probability: number): number {
  return -Math.log(Math.max(probability, Number.MIN_VALUE));
}

/** In place. Subtracting the largest input first keeps the exponentials finite. */
function softmax(values: Float64Array): Float64Array {
  const largest = values.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] = Math.exp(values[i]! - largest);
  for (let i = 0; i < values.length; i++) values[i]! /= sum;
  return values;
}
