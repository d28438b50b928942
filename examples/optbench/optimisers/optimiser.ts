import type { Rng } from 'metalab';
import type { Objective } from '../objective.js';

/**
 * Minimises until the objective is done or the optimiser can find no more. It returns nothing: the objective keeps the
 * best point that it was asked about.
 *
 * @param start where to begin; not changed
 * @param rng for optimisers that draw at random
 */
export type Optimiser = (objective: Objective, start: Float64Array, rng: Rng) => void;
