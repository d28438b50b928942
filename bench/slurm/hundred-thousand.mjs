import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { noopSweep } from '../noop.mjs';
import { program, wallSecondsBeside } from '../processes.mjs';

const RUNS = 100_000;
const ID = `noop:${RUNS}`;
const file = fileURLToPath(new URL('../hundred-thousand.mjs', import.meta.url));

/** A sweep of 100,000 runs: how soon Slurm has it, and what bringing its records home takes. */
export async function measureHundredThousand(cluster, lab, scratch, report) {
  const store = join(scratch, 'hundred-thousand');
  await measureSubmitting(cluster, lab, store, report);
  await measureCollecting(cluster, lab, scratch, report);
}

async function measureSubmitting(cluster, lab, store, report) {
  const wire = cluster.wire.now();
  const commands = cluster.commands.count;
  const began = performance.now();
  const submitted = wallSecondsBeside(
    [program, 'submit', file, '--store', store, '--env', 'cluster', '--detach'],
    process.cwd(),
  );
  await cluster.untilQueued();
  const seconds = (performance.now() - began) / 1000;
  await submitted;
  report.seconds(
    'slurm_submit_seconds',
    seconds,
    `metalab submit of ${RUNS} runs, until squeue has the array`,
    'expected ≤ 5 s',
  );
  const handle = await lab.attach(ID, { store });
  const { success } = await handle.outcome();
  if (success !== RUNS) throw new Error(`${success} of ${RUNS} runs are success`);
  const whole = (performance.now() - began) / 1000;
  report.seconds('slurm_100000_seconds', whole, `  until its result`, '');
  tell(cluster, { wire, commands }, 'slurm_100000', '  all of it by SSH', report);
}

/** Another store asks for all that the cluster has recorded: nothing is left to do. */
async function measureCollecting(cluster, lab, scratch, report) {
  const records = bytesBelow(join(cluster.spool, ID.replace(':', '@'), 'segments'));
  report.bytes('slurm_record_bytes', records, `${RUNS} records in the spool`);
  const store = join(scratch, 'elsewhere');
  await sleep(2_000);
  const wire = cluster.wire.now();
  const commands = cluster.commands.count;
  const began = performance.now();
  const handle = await lab.submit(noopSweep(RUNS), { store, executor: 'cluster' });
  const { reused, executed } = await handle.outcome();
  if (reused !== RUNS || executed !== 0)
    throw new Error(`${reused} of ${RUNS} runs were reused, ${executed} executed`);
  const seconds = (performance.now() - began) / 1000;
  tell(cluster, { wire, commands }, 'slurm_collect', '  collected over SSH into another store', report);
  report.seconds('slurm_collect_seconds', seconds, '  from submit to result, all reused', '');
  rmSync(store, { recursive: true });
}

function tell(cluster, { wire, commands }, key, what, report) {
  const { sent, received, turns } = cluster.wire.since(wire);
  const count = cluster.commands.since(commands).length;
  report.bytes(`${key}_bytes`, sent + received, what, `${count} commands, ${turns} round trips`);
  report.row(`${key}_commands`, count, null);
  report.row(`${key}_round_trips`, turns, null);
}

function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, { size }) => sum + size, 0);
}
