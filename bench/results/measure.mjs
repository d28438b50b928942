import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PeakMemory } from '../peak-memory.mjs';
import { program } from '../processes.mjs';
import { median } from '../report.mjs';
import sweep from './sweep.mjs';

const RUNS = 1_000_000;
const ROUNDS = 7;
const run = promisify(execFile);
const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const ask = async (name, ...args) =>
  JSON.parse((await run(process.execPath, [pathOf(name), ...args])).stdout);

/** Questions about a million runs, each in a process of its own, beside bare DuckDB. */
export async function measureResults(lab, scratch, report) {
  report.title(
    `Results of ${RUNS.toLocaleString('en-US')} runs of 10 params and 10 metrics; medians of ${ROUNDS} rounds`,
  );
  const store = join(scratch, 'measured');
  const began = performance.now();
  await (await lab.submit(sweep, { store })).outcome();
  const sweepSeconds = (performance.now() - began) / 1000;
  report.perSecond(
    'results_sweep_per_second',
    RUNS,
    sweepSeconds,
    'the sweep itself, submit to result',
    'runs/s',
  );
  await run(process.execPath, [program, 'store', 'compact', '--store', store]);
  const file = join(store, 'measured@1', 'runs', 'runs.parquet');

  for (const question of ['grouped', 'page', 'histogram']) {
    const [duckdb, metalab] = await askBoth(question, ['ask-duckdb.mjs', file], ['ask.mjs', store]);
    report.seconds(
      `results_${question}_bare_seconds`,
      duckdb.seconds,
      `${question}: bare DuckDB, opening and answer`,
    );
    report.seconds(
      `results_${question}_seconds`,
      metalab.seconds,
      `${question}: metalab, opening and answer`,
    );
    const limit = question === 'grouped' ? 'expected ≤ 1.5' : '';
    report.ratio(
      `results_${question}_ratio`,
      metalab.seconds / duckdb.seconds,
      'ratio to bare DuckDB',
      limit,
    );
    const warm = question === 'page' ? 'expected ≤ 0.1 s' : '';
    report.seconds(
      `results_${question}_warm_bare_seconds`,
      duckdb.warm_ms / 1000,
      '  asked again, bare DuckDB',
    );
    report.seconds(`results_${question}_warm_seconds`, metalab.warm_ms / 1000, '  asked again', warm);
    peak(report, `results_${question}`, metalab.peak_mb);
  }

  await measureDerive(store, sweepSeconds, report);

  // What a sweep in progress looks like: segments alone.
  const uncompacted = join(scratch, 'uncompacted');
  cpSync(store, uncompacted, { recursive: true });
  for (const folder of ['runs', 'derived', 'series'])
    rmSync(join(uncompacted, 'measured@1', folder), { recursive: true, force: true });
  for (const question of ['grouped', 'page', 'histogram']) {
    const { seconds, peak_mb } = await ask('ask.mjs', uncompacted, question);
    report.seconds(
      `results_uncompacted_${question}_seconds`,
      seconds,
      `${question}: nothing compacted, opening and answer`,
    );
    peak(report, `results_uncompacted_${question}`, peak_mb);
  }
}

const peak = (report, key, megabytes, what = 'peak memory') =>
  report.row(`${key}_peak_mb`, megabytes, `  ${what}`, `${megabytes} MB`, 'expected ≤ 500 MB');

/** The median round of each: one after the other in each round, since a machine's speed changes. */
async function askBoth(question, ...programs) {
  const rounds = programs.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, [name, place]] of programs.entries()) rounds[at].push(await ask(name, place, question));
  return rounds.map((answers) => ({
    seconds: median(answers.map(({ seconds }) => seconds)),
    warm_ms: median(answers.map(({ warm_ms }) => warm_ms)),
    peak_mb: Math.max(...answers.map(({ peak_mb }) => peak_mb)),
  }));
}

async function measureDerive(store, sweepSeconds, report) {
  const memory = new PeakMemory(process.env.METALAB_HOME);
  const began = performance.now();
  const { stdout } = await run(process.execPath, [
    program,
    'derive',
    pathOf('analysis.mjs'),
    'measured',
    '--store',
    store,
    '--json',
  ]);
  const all = (performance.now() - began) / 1000;
  const derived = all - JSON.parse(stdout).compacted_ms / 1000;
  report.perSecond('derive_per_second', RUNS, derived, 'deriving one number for each run', 'runs/s');
  report.ratio('derive_ratio', sweepSeconds / derived, 'ratio to the sweep', 'expected ≥ 0.5');
  report.seconds('derive_seconds', all, 'the whole command, with the compaction');
  for (const [kind, megabytes] of Object.entries(memory.stop()).sort())
    if (kind.startsWith('derive') || kind === 'compaction')
      peak(report, `derive_${kind.replaceAll(' ', '_')}`, megabytes, `peak memory, ${kind}`);
}
