import { join } from 'node:path';
import { noopSweep } from '../noop.mjs';
import { PeakMemory } from '../peak-memory.mjs';
import { BenchCluster } from './bench-cluster.mjs';
import { measureHundredThousand } from './hundred-thousand.mjs';
import { measureLimits, setLimit } from './limits.mjs';
import { measureNoops } from './noops.mjs';
import { measureSeconds } from './seconds.mjs';
import { measureStatusQueries } from './status-queries.mjs';

const STEPS = {
  noops: measureNoops,
  seconds: measureSeconds,
  'hundred-thousand': measureHundredThousand,
  'status-queries': measureStatusQueries,
};

/**
 * Slurm: a real cluster on this machine, by SSH.
 *
 * @param {readonly string[]} steps some of the steps' names, `limits` among them; none: all
 */
export async function measureSlurm(scratch, report, steps = []) {
  const wanted = (name) => steps.length === 0 || steps.includes(name);
  report.title('Slurm: 2 nodes with 2 cpus each, on this machine, through SSH');
  const cluster = await BenchCluster.start(join(scratch, 'slurm'));
  try {
    const memory = new PeakMemory(process.env.METALAB_HOME);
    await cluster.withLab(async (lab) => {
      const store = join(scratch, 'warm-up');
      const warmUp = await lab.submit(noopSweep(10, 'warm-up'), { store, executor: 'cluster' });
      await warmUp.outcome();
      for (const [name, measure] of Object.entries(STEPS))
        if (wanted(name)) await measure(cluster, lab, scratch, report);
    });
    if (wanted('limits')) {
      await setLimit(cluster);
      await cluster.withLab((lab) => measureLimits(cluster, lab, scratch, report));
    }
    const { worker } = memory.stop();
    report.row('slurm_peak_mb_worker', worker, 'peak memory, worker', `${worker} MB`, 'expected ≤ 500 MB');
  } finally {
    await cluster.close();
  }
}
