import { adam } from './adam.js';
import { evolutionStrategy } from './evolution-strategy.js';
import { gradientDescent } from './gradient-descent.js';
import { momentum } from './momentum.js';
import { nelderMead } from './nelder-mead.js';
import type { Optimiser } from './optimiser.js';
import { randomSearch } from './random-search.js';

export const OPTIMISER_NAMES = [
  'gradient_descent',
  'momentum',
  'adam',
  'nelder_mead',
  'evolution_strategy',
  'random_search',
] as const;
export type OptimiserName = (typeof OPTIMISER_NAMES)[number];

export const OPTIMISERS: { readonly [name in OptimiserName]: Optimiser } = {
  gradient_descent: gradientDescent,
  momentum,
  adam,
  nelder_mead: nelderMead,
  evolution_strategy: evolutionStrategy,
  random_search: randomSearch,
};
