import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openResults } from 'metalab';
import { PeakMemory } from '../peak-memory.mjs';
import { program, wallSeconds, wallSecondsBeside } from '../processes.mjs';
import { median } from '../report.mjs';
import { arraySweep, artifacts, files } from './arrays.mjs';

const RUNS = 1_000_000;
const COMPARED_RUNS = 20_000;
const ROUNDS = 3;
const KEPT_ROUNDS = 5;

/** Runs that leave an array of 1 KB each: their artifacts are in packs, compared with a file for each. */
export async function measureArtifacts(lab, scratch, report) {
  report.title('Runs with an array of 1 KB each, submit to result, two slots');
  const times = { artifacts: [], files: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const folder = join(scratch, `files-${round}`);
    mkdirSync(folder, { recursive: true });
    const sweeps = {
      artifacts: arraySweep(COMPARED_RUNS, 'artifacts', artifacts),
      files: arraySweep(COMPARED_RUNS, 'files', files, { folder }),
    };
    for (const [kind, sweep] of Object.entries(sweeps))
      times[kind].push(await submit(lab, sweep, join(scratch, `arrays-${kind}-${round}`)));
  }
  const [ours, bare] = [median(times.artifacts), median(times.files)];
  const compared = COMPARED_RUNS.toLocaleString('en-US');
  report.perSecond(
    'array_files_per_second',
    COMPARED_RUNS,
    bare,
    `${compared} runs that write a file`,
    'runs/s',
  );
  report.perSecond(
    'array_artifacts_per_second',
    COMPARED_RUNS,
    ours,
    `${compared} runs that save an artifact`,
    'runs/s',
  );
  report.ratio('array_artifacts_ratio', bare / ours, 'speed, compared with a file each', 'expected ≥ 1');

  const memory = new PeakMemory(process.env.METALAB_HOME);
  const store = join(scratch, 'million-arrays');
  const seconds = await submit(lab, arraySweep(RUNS, 'artifacts', artifacts), store);
  report.perSecond(
    'million_arrays_per_second',
    RUNS,
    seconds,
    '1,000,000 runs that save an artifact',
    'runs/s',
  );
  const counts = countFiles(store);
  const total = counts.reduce((sum, count) => sum + count, 0);
  report.row('million_arrays_files', total, 'files in the store', String(total));
  const most = Math.max(...counts);
  report.row('million_arrays_most_files', most, 'most files in a folder', String(most), 'expected ≤ 300');
  for (const [kind, peak] of Object.entries(memory.stop()).sort())
    if (kind === 'slot' || kind === 'worker')
      report.row(`peak_mb_arrays_${kind}`, peak, `peak memory, ${kind}`, `${peak} MB`, 'expected ≤ 500 MB');
  await measureGet(store, report);
}

/** @returns seconds */
async function submit(lab, sweep, store) {
  const began = performance.now();
  const { total, success, state, reason } = await (await lab.submit(sweep, { store, slots: 2 })).outcome();
  if (success !== total) throw new Error(`${success} of ${total} runs are success: ${state}, ${reason}`);
  return (performance.now() - began) / 1000;
}

/** How many files each folder has. */
function countFiles(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory());
  return [entries.length - folders.length, ...folders.flatMap(({ name }) => countFiles(join(folder, name)))];
}

/** An artifact's bytes take no longer than what `show` says of its run. */
async function measureGet(store, report) {
  await wallSecondsBeside([program, 'store', 'compact', '--store', store]);
  const results = await openResults(store, 'artifacts');
  const { rows } = await results.where('x', '=', 500).where('y', '=', 500).select('run_id').table();
  await results.close();
  const [{ run_id }] = rows;
  const times = { show: [], get: [] };
  for (let round = 0; round < KEPT_ROUNDS; round++) {
    times.show.push(wallSeconds([program, 'show', run_id, '--store', store]));
    times.get.push(
      wallSeconds([
        program,
        'artifacts',
        run_id,
        '--get',
        'array',
        '--output',
        '/dev/null',
        '--store',
        store,
      ]),
    );
  }
  report.seconds('array_show_seconds', median(times.show), 'metalab show, of one of them');
  report.seconds('array_get_seconds', median(times.get), 'metalab artifacts --get, of the same');
  report.ratio('array_get_ratio', median(times.get) / median(times.show), 'ratio to show', 'expected ≤ 1.1');
}
