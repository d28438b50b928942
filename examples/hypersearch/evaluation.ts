import { type Mlp, negativeLog } from './mlp.js';
import { type Example, SPECIES } from './penguins.js';

/** The share of examples whose most probable class is theirs. */
export function accuracy(network: Mlp, examples: readonly Example[]): number {
  const right = examples.filter(({ features, label }) => mostProbable(network.predict(features)) === label);
  return right.length / examples.length;
}

/** The mean of -ln p(true class), in nats. */
export function crossEntropy(network: Mlp, examples: readonly Example[]): number {
  const losses = examples.map(({ features, label }) => negativeLog(network.predict(features)[label]!));
  return losses.reduce((sum, loss) => sum + loss, 0) / examples.length;
}

/** The confusion matrix as rows of a table: one row for each actual species, one column for each predicted one. */
export function confusionRows(network: Mlp, examples: readonly Example[]): Record<string, string | number>[] {
  const counts = SPECIES.map(() => SPECIES.map(() => 0));
  for (const { features, label } of examples) counts[label]![mostProbable(network.predict(features))]!++;
  return SPECIES.map((actual, row) => ({
    actual,
    ...Object.fromEntries(SPECIES.map((predicted, column) => [predicted, counts[row]![column]!])),
  }));
}

function mostProbable(probabilities: Float64Array): number {
  return probabilities.indexOf(Math.max(...probabilities));
}
