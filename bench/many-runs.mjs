import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { noopSweep } from './noop.mjs';
import { measureAlone } from './processes.mjs';
import { median } from './report.mjs';

/**
 * No-op runs end to end against the bare loop; and again, when all are done, against a bare scan of the same segments with
 * the same hashing. All alternate, round by round.
 *
 * @returns medians in seconds, and the last sweep's handle
 */
export async function measureManyRuns(lab, scratch, { runs, rounds, resume }) {
  const times = { bare: [], sweep: [], bareScan: [], resume: [] };
  const store = join(scratch, `store-${runs}`);
  let handle;
  for (let round = 0; round < rounds; round++) {
    rmSync(store, { recursive: true, force: true });
    const file = join(scratch, 'bare.ndjson');
    times.bare.push(measureAlone('bare-loop.mjs', runs, file));
    rmSync(file);
    handle = await submit(times.sweep, runs);
    await compacted(join(store, `noop@${runs}`, 'runs'));
    if (!resume) continue;
    times.bareScan.push(measureAlone('bare-scan.mjs', runs, join(store, `noop@${runs}`, 'segments')));
    await submit(times.resume, 0);
  }
  const medians = Object.entries(times).map(([name, values]) => [name, median(values)]);
  return { ...Object.fromEntries(medians), handle, store };

  async function submit(into, expected) {
    const began = performance.now();
    const submitted = await lab.submit(noopSweep(runs), { store, slots: 2 });
    const { success, executed, state, reason } = await submitted.outcome();
    into.push((performance.now() - began) / 1000);
    if (success !== runs || executed !== expected)
      throw new Error(
        `${success} of ${runs} runs are success, ${executed} were executed: ${state}, ${reason}`,
      );
    return submitted;
  }
}

/** The compaction that follows a sweep, niced as it is, takes a part of what is measured next. */
async function compacted(folder) {
  for (let tries = 0; tries < 1200; tries++) {
    const names = namesIn(folder);
    if (names.length === 1 && names[0] === 'runs.parquet') return;
    await sleep(100);
  }
  throw new Error(`${folder}: no compaction within two minutes`);
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
