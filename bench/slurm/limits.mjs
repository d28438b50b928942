import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { noopSweep } from '../noop.mjs';

const RUNS = 100_000;
const LIMIT = 36;

/** 100,000 runs through a cluster that allows a user 36 jobs, and arrays of 1,001 tasks: without one refusal. */
export async function measureLimits(cluster, lab, scratch, report) {
  await through('cluster', 'without chunk_size');
  await through('chunked', 'chunk_size 1000');

  async function through(environment, how) {
    const version = `limit-${environment}`;
    const began = performance.now();
    const handle = await lab.submit(noopSweep(RUNS, version), {
      store: join(scratch, 'limits'),
      environment,
    });
    const watched = mostQueued();
    const { success } = await handle.outcome();
    const seconds = (performance.now() - began) / 1000;
    const most = await watched.stop();
    if (success !== RUNS) throw new Error(`${success} of ${RUNS} runs are success`);
    const tasks = cluster.tasksOf(`noop:${version}`);
    const sum = tasks.reduce((all, count) => all + count, 0);
    report.seconds(
      `slurm_limit_${environment}_seconds`,
      seconds,
      `${RUNS} runs, at most ${LIMIT} jobs: ${how}`,
      `${tasks.length} arrays, ${sum} tasks, at most ${most} queued`,
    );
    const refused = cluster.refusals().length + cluster.refusedSubmits(`noop:${version}`).length;
    report.row(
      `slurm_limit_${environment}_errors`,
      refused,
      '  errors of sbatch',
      `${refused}`,
      'expected 0',
    );
  }

  function mostQueued() {
    let most = 0;
    let stopped = false;
    const watching = (async () => {
      while (!stopped) {
        most = Math.max(most, await cluster.queued());
        await sleep(200);
      }
    })();
    return {
      stop: async () => {
        stopped = true;
        await watching;
        return most;
      },
    };
  }
}

/** What the cluster is told before metalab looks at its limits. */
export const setLimit = (cluster) => cluster.setSubmitLimit(LIMIT);
