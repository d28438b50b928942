// A sorted grid of short runs with a few long ones at its end: what leaves slots idle where chunks are cut by number.
import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, grid, operation, seeds } from 'metalab';

export const SHORT = { runs: 10_000, ms: 1 };
export const LONG = { runs: 20, ms: 6_000 };

export const wait = operation(async ({ params, capture }) => {
  const ms = params.run < 10_000 ? 1 : 6_000;
  // Timers are too coarse for a millisecond.
  for (const end = performance.now() + ms; ms < 10 && performance.now() < end; );
  if (ms >= 10) await sleep(ms);
  capture.metric('ms', ms);
});

export const sortedGrid = () =>
  experiment({
    name: 'sorted-grid',
    version: '1',
    operation: wait,
    params: grid({ run: Array.from({ length: SHORT.runs + LONG.runs }, (_, run) => run) }),
    seeds: seeds({ base: 1 }),
  });
