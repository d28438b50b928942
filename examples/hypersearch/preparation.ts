import type { Rng } from 'metalab';
import type { Example } from './penguins.js';

export interface Prepared {
  readonly train: readonly Example[];
  readonly validation: readonly Example[];
  readonly test: readonly Example[];
}

/**
 * Splits the examples at random, 60 : 20 : 20, and standardises every feature by the training set's mean and standard
 * deviation: nothing of the other two sets leaks into training.
 */
export function prepare(examples: readonly Example[], rng: Rng): Prepared {
  const shuffled = rng.shuffle([...examples]);
  const fifth = Math.floor(shuffled.length / 5);
  const test = shuffled.slice(0, fifth);
  const validation = shuffled.slice(fifth, 2 * fifth);
  const train = shuffled.slice(2 * fifth);

  const moments = (train[0]?.features ?? []).map((_, feature) =>
    momentsOf(train.map(({ features }) => features[feature]!)),
  );
  const standardise = ({ features, label }: Example): Example => ({
    features: features.map(
      (value, feature) => (value - moments[feature]!.mean) / moments[feature]!.deviation,
    ),
    label,
  });
  return {
    train: train.map(standardise),
    validation: validation.map(standardise),
    test: test.map(standardise),
  };
}

function momentsOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
