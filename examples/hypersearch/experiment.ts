import { readFileSync } from 'node:fs';
import {
  choice,
  experiment,
  file,
  logInt,
  logUniform,
  operation,
  type Resolved,
  random,
  seeds,
  z,
} from 'metalab';
import { learning } from './analysis.js';
import { accuracy, confusionRows, crossEntropy } from './evaluation.js';
import { ACTIVATIONS, Mlp } from './mlp.js';
import { FEATURES, parsePenguins, SPECIES } from './penguins.js';
import { prepare } from './preparation.js';
import { trainEpochs } from './training.js';

const context = {
  penguins: file('../../node_modules/@observablehq/sample-datasets/penguins.csv'),
  epochs: 60,
};

const schema = z.object({
  learning_rate: z.number().positive(),
  weight_decay: z.number().nonnegative(),
  hidden: z.number().int().positive(),
  activation: z.enum(ACTIVATIONS),
  batch_size: z.number().int().positive(),
});

/** Trains one multilayer perceptron to tell penguins' species by four measurements. */
export const trainClassifier = operation<z.infer<typeof schema>, Resolved<typeof context>>({
  params: schema,
  run({ params, seeds, context, capture, runtime }) {
    // One split for all runs: what differs between replicates is initial weights and the order of batches.
    const splitRng = seeds.forPreprocessing().rng('split');
    const { train, validation, test } = prepare(parsePenguins(readFileSync(context.penguins.path)), splitRng);
    const network = new Mlp(
      {
        inputs: FEATURES.length,
        hidden: params.hidden,
        classes: SPECIES.length,
        activation: params.activation,
      },
      seeds.rng('weights'),
    );

    for (const { epoch, loss } of trainEpochs(network, train, params, context.epochs, seeds.rng('batches'))) {
      capture.metric('train_loss', loss, { step: epoch });
      capture.metric('val_loss', crossEntropy(network, validation), { step: epoch });
      capture.metric('val_accuracy', accuracy(network, validation), { step: epoch });
      runtime.progress(epoch / context.epochs);
    }

    capture.metrics({ test_accuracy: accuracy(network, test), parameters: network.parameters.length });
    capture.artifact('confusion', confusionRows(network, test), { format: 'csv' });
  },
});

export default experiment({
  name: 'hypersearch',
  version: '0.1',
  description: 'Random search over the hyperparameters of a small neural network, on the Palmer penguins.',
  operation: trainClassifier,
  context,
  params: random({
    space: {
      learning_rate: logUniform(1e-4, 1e-1),
      weight_decay: logUniform(1e-4, 1),
      hidden: logInt(2, 64),
      activation: choice([...ACTIVATIONS]),
      batch_size: choice([8, 32, 128]),
    },
    trials: 40,
    seed: 1,
  }),
  derived: { learning },
  seeds: seeds({ base: 11, replicates: 3 }),
});
