import { join } from 'node:path';
import { sleepSweep } from './sleep.mjs';

const RUNS = 400;
const PLACES = 4;

/** Runs of a second, against as many tasks of a bare array that sleep as long, on the same cores. */
export async function measureSeconds(cluster, lab, scratch, report) {
  const began = performance.now();
  const handle = await lab.submit(sleepSweep(RUNS, 1_000), {
    store: join(scratch, 'seconds'),
    executor: 'cluster',
  });
  const { success } = await handle.outcome();
  const sweep = (performance.now() - began) / 1000;
  if (success !== RUNS) throw new Error(`${success} of ${RUNS} runs are success`);
  const bare = await cluster.bareArray('sleep 1', RUNS);
  report.seconds('slurm_seconds_seconds', sweep, `metalab, ${RUNS} runs of 1 s, submit to result`, '');
  report.seconds('slurm_seconds_bare_seconds', bare, `bare array of ${RUNS} tasks, sleep 1`, '');
  report.ratio('slurm_seconds_ratio', sweep / bare, 'ratio to it', 'expected ≤ 1.15');
  report.ratio('slurm_seconds_ideal', sweep / (RUNS / PLACES), `ratio to ${RUNS} s on ${PLACES} places`, '');
}
