import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStatusQuery } from './command-log.mjs';
import { sleepSweep } from './sleep.mjs';

const ARRAYS = 10;
const SETTLE_MS = 90_000;
const MEASURE_MS = 120_000;

/** How often Slurm is asked while arrays of ten experiments run or wait, and nothing changes. */
export async function measureStatusQueries(cluster, lab, scratch, report) {
  const store = join(scratch, 'status');
  const handles = [];
  for (let array = 0; array < ARRAYS; array++)
    handles.push(await lab.submit(sleepSweep(1, 3_600_000, `hour-${array}`), { store, executor: 'cluster' }));
  await waitFor(async () => (await cluster.queued()) === ARRAYS);
  await sleep(SETTLE_MS);
  const before = cluster.commands.count;
  const wire = cluster.wire.now();
  await sleep(MEASURE_MS);
  const commands = cluster.commands.since(before);
  const { sent, received } = cluster.wire.since(wire);
  const perMinute = (count) => (count * 60_000) / MEASURE_MS;
  const queries = perMinute(commands.filter(isStatusQuery).length);
  const others = perMinute(commands.length) - queries;
  const what = `status queries a minute, ${ARRAYS} arrays, nothing changes`;
  report.row('slurm_status_queries_per_minute', queries, what, queries.toFixed(1), 'expected ≤ 4');
  report.row(
    'slurm_looks_per_minute',
    others,
    '  looks for records, of ten stores’ copies',
    others.toFixed(1),
  );
  report.bytes('slurm_idle_bytes_per_minute', perMinute(sent + received), '  bytes of all a minute');
  await Promise.all(handles.map((handle) => handle.cancel()));
  await Promise.all(handles.map((handle) => handle.outcome()));
}

async function waitFor(isSo) {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo()) return;
    await sleep(100);
  }
  throw new Error('the arrays are not all in the queue after a minute');
}
