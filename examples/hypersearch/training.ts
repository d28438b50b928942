import type { Rng } from 'metalab';
import { AdamW } from './adam.js';
import type { Mlp } from './mlp.js';
import type { Example } from './penguins.js';

export interface TrainingParams {
  readonly learning_rate: number;
  readonly weight_decay: number;
  readonly batch_size: number;
}

/**
 * Trains the network in place, yielding after every epoch. An epoch sees every example once, in random batches.
 *
 * @returns the epoch's number from 1, and the mean loss of its batches, in nats
 */
export function* trainEpochs(
  network: Mlp,
  examples: readonly Example[],
  params: TrainingParams,
  epochs: number,
  rng: Rng,
): Generator<{ epoch: number; loss: number }> {
  const gradient = new Float64Array(network.parameters.length);
  const optimiser = new AdamW(gradient.length, params.learning_rate, params.weight_decay);
  const order = [...examples];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    rng.shuffle(order);
    let loss = 0;
    for (let start = 0; start < order.length; start += params.batch_size) {
      const batch = order.slice(start, start + params.batch_size);
      loss += batch.length * network.lossAndGradient(batch, gradient);
      optimiser.update(network.parameters, gradient);
    }
    yield { epoch, loss: loss / order.length };
  }
}
