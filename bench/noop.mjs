// The no-op sweep that the benchmark submits: nothing but metalab's own overhead.
import { experiment, grid, operation, seeds } from 'metalab';

export const noop = operation(({ params, capture }) => capture.metric('x', params.x));

/** `runs` cases, as a grid of two axes: `runs / 1000` × 1000 values. */
export const noopSweep = (runs, version = String(runs)) =>
  experiment({
    name: 'noop',
    version,
    operation: noop,
    params: grid({ x: range(Math.ceil(runs / 1000)), y: range(Math.min(1000, runs)) }),
    seeds: seeds({ base: 1 }),
  });

const range = (length) => Array.from({ length }, (_, index) => index);
