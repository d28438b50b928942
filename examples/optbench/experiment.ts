import { experiment, grid, operation, type Resolved, seeds, z } from 'metalab';
import { Objective } from './objective.js';
import { OPTIMISER_NAMES, OPTIMISERS } from './optimisers/index.js';
import { PROBLEM_NAMES, PROBLEMS } from './problems.js';

const context = {
  /** Evaluations that a search may spend. */
  budget: 10_000,
  /** A search has solved its problem at this value: the minimum of every problem is 0. */
  target: 1e-8,
};

const schema = z.object({
  optimiser: z.enum(OPTIMISER_NAMES),
  problem: z.enum(PROBLEM_NAMES),
  dimension: z.number().int().min(2),
});

/** Lets one optimiser search for the minimum of one problem. */
export const search = operation<z.infer<typeof schema>, Resolved<typeof context>>({
  params: schema,
  run({ params, seeds, context, capture }) {
    const problem = PROBLEMS[params.problem];
    const objective = new Objective(problem, params.dimension, context, seeds.rng('optimum'));
    // A replicate's optimum and start are the same for every optimiser, so that they are compared pair by pair.
    const startRng = seeds.rng('start');
    const start = Float64Array.from({ length: params.dimension }, () =>
      startRng.float(problem.low, problem.high),
    );
    OPTIMISERS[params.optimiser](objective, start, seeds.rng('search'));

    const { checkpoints, evaluations, solved } = objective.finish();
    for (const point of checkpoints) capture.metric('best_value', point.value, { step: point.evaluations });
    capture.metrics({ evaluations, solved, distance: objective.distance });
    capture.artifact(
      'trajectory',
      {
        data: Float64Array.from(checkpoints.flatMap((point) => [...point.x])),
        shape: [checkpoints.length, params.dimension],
      },
      { format: 'npy', metadata: { evaluations: checkpoints.map((point) => point.evaluations) } },
    );
  },
});

export default experiment({
  name: 'optbench',
  version: '0.1',
  description: 'Six optimisers on four test functions.',
  operation: search,
  context,
  params: grid({
    optimiser: [...OPTIMISER_NAMES],
    problem: [...PROBLEM_NAMES],
    dimension: [2, 10],
  }),
  seeds: seeds({ base: 2010, replicates: 5 }),
});
