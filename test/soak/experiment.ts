/** Runs that end before a slot would flush them by their age. */
const TINY = 60;
const SHORT = 240;
const LONG = 4;

export const RUNS = TINY + SHORT + LONG;

/** Whether a run takes so long (1 ms) that its slot writes its record as soon as it ends. */
export const isTiny = (x: number) => x < TINY;

/**
 * Sixty runs of no time, 240 of 20 ms, four of 3 s, mixed. Each counts its executions by a line in a file, and leaves
 * all kinds of things behind. Slots are killed under them: so they are tried again.
 */
export const EXPERIMENT = 'soak:1';
export const EXPERIMENT_FILE = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, grid, operation, seeds } from 'metalab';

const durationOf = (x) => (x < ${TINY} ? 0 : x < ${TINY + SHORT} ? 20 : 3_000);

export const measure = operation(({ params, seeds, capture, runtime }) => {
  appendFileSync('executions', params.x + ' ' + process.pid + '\\n');
  writeFileSync(join(runtime.scratchDir, 'scratch'), 'x');
  const finish = () => {
    capture.metrics({ y: 2 * params.x + seeds.rng().float(), r: Math.random(), secret: process.env.SOAK_SECRET });
    capture.log('measured ' + params.x);
    for (let step = 0; step < 3; step++) capture.metric('loss', params.x / (step + 1), { step });
    capture.artifact('numbers', { x: params.x, numbers: Array.from({ length: 50 }, () => Math.random()) });
    if (params.x % 50 === 0) capture.artifact('large', Buffer.alloc(1_500_000, String(params.x)));
    if (params.x % 10 === 0) capture.artifact('packed', Buffer.alloc(200_000, String(params.x)));
  };
  const duration = durationOf(params.x);
  if (duration === 0) return finish();
  return sleep(duration).then(finish);
});

export default experiment({
  name: 'soak', version: '1', operation: measure, retries: 50, env: ['SOAK_SECRET'],
  params: grid({ x: Array.from({ length: ${RUNS} }, (_, i) => (i * 37) % ${RUNS}) }),
  seeds: seeds({ base: 7 }),
});
`;
