import { readFileSync } from 'node:fs';
import { experiment, file, grid, operation, type Resolved, seeds, z } from 'metalab';
import { parseCars } from './cars.js';
import { fitFigure } from './figure.js';
import { fitPolynomial } from './polynomial.js';
import { determination, rmse } from './scores.js';
import { split } from './split.js';

const context = {
  cars: file('../../node_modules/@observablehq/sample-datasets/cars.csv'),
  test_fraction: 0.5,
};

const schema = z.object({
  degree: z.number().int().min(1),
  lambda: z.number().nonnegative(),
});

/** Fits economy by a polynomial of power on one random half of the cars, and scores it on the other half. */
export const fitEconomy = operation<z.infer<typeof schema>, Resolved<typeof context>>({
  params: schema,
  run({ params, seeds, context, capture }) {
    const cars = parseCars(readFileSync(context.cars.path));
    // A replicate has the same split at every degree and λ, so that models are compared pair by pair.
    const { train, test } = split(cars, context.test_fraction, seeds.rng('split'));
    const predict = fitPolynomial(train, params);

    capture.metrics({
      train_rmse: rmse(train, predict),
      test_rmse: rmse(test, predict),
      test_r2: determination(test, predict),
    });
    // One split's figures tell how the models differ; those of all splits would be ten times the space.
    if (seeds.replicate === 0) capture.figure('fit', fitFigure(train, test, predict, params));
  },
});

export default experiment({
  name: 'curve_fit',
  version: '0.1',
  description: 'How flexible a polynomial should be: economy against power of 392 cars.',
  operation: fitEconomy,
  context,
  params: grid({
    degree: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    lambda: [0, 1e-3, 1e-1],
  }),
  seeds: seeds({ base: 7, replicates: 10 }),
});
