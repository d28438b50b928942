// The no-op sweep that the benchmark submits: nothing but metalab's own overhead.
import { experiment, operation, seeds } from 'metalab';

export const noop = operation(({ params, capture }) => capture.metric('x', params.x));

/** `runs` cases, as a grid of one axis. */
export const noopSweep = (runs, grid) =>
  experiment({
    name: 'noop',
    version: String(runs),
    operation: noop,
    params: grid({ x: Array.from({ length: runs }, (_, index) => index) }),
    seeds: seeds({ base: 1 }),
  });
