import { join } from 'node:path';
import { noopSweep } from '../noop.mjs';
import { median } from '../report.mjs';

const RUNS = 2_000;
const ROUNDS = 3;

/** What metalab costs beside a bare array: no-op runs from submit to result, and as many tasks that do nothing. */
export async function measureNoops(cluster, lab, scratch, report) {
  const times = { sweep: [], bare: [], more: [] };
  let tasks;
  for (let round = 0; round < ROUNDS; round++) {
    const experiment = noopSweep(RUNS, `${RUNS}-${round}`);
    const began = performance.now();
    const handle = await lab.submit(experiment, { store: join(scratch, 'noops'), executor: 'cluster' });
    const { success } = await handle.outcome();
    times.sweep.push((performance.now() - began) / 1000);
    if (success !== RUNS) throw new Error(`${success} of ${RUNS} runs are success`);
    const arrays = cluster.tasksOf(`noop:${RUNS}-${round}`);
    tasks = arrays.reduce((sum, count) => sum + count, 0);
    times.bare.push(await cluster.bareArray('true', tasks));
    times.more.push(times.sweep.at(-1) - times.bare.at(-1));
  }
  const what = `metalab, ${RUNS} no-op runs, submit to result`;
  report.seconds('slurm_noops_seconds', median(times.sweep), what, `${tasks} tasks`);
  report.seconds('slurm_noops_bare_seconds', median(times.bare), `bare array of ${tasks} tasks`, '');
  report.seconds('slurm_noops_more_seconds', median(times.more), '  metalab takes more', 'expected ≤ 5 s');
}
