// Runs that only take time.
import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, grid, operation, seeds } from 'metalab';

export const sleeps = operation(async ({ params, capture }) => {
  await sleep(params.ms);
  capture.metric('x', params.x);
});

export const sleepSweep = (runs, ms, version = String(runs)) =>
  experiment({
    name: 'sleep',
    version,
    operation: sleeps,
    params: grid({ ms: [ms], x: Array.from({ length: runs }, (_, x) => x) }),
    seeds: seeds({ base: 1 }),
  });
