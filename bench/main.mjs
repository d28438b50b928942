// `npm run bench [-- --json FILE]`: metalab's overhead as ratios, side by side in one run. Never a timed test: machines
// are noisy.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from 'metalab';
import { measureManyRuns } from './many-runs.mjs';
import { measureMillionRuns } from './million-runs.mjs';
import { noopSweep } from './noop.mjs';
import { measureOneActivityPerRun } from './one-activity/measure.mjs';
import { program } from './processes.mjs';
import { Report } from './report.mjs';
import { measureUtilisation } from './utilisation.mjs';
import { measureWarmSubmit } from './warm-submit.mjs';

const ROUNDS = 5;
const RUNS = 100_000;
const ACTIVITIES = 2_000;

const { json } = parseArgs({ options: { json: { type: 'string' } } }).values;
const scratch = mkdtempSync(join(tmpdir(), 'metalab-bench-'));
process.env.METALAB_HOME = join(scratch, 'home');
const report = new Report();

try {
  report.title(
    `${availableParallelism()} cores, Node ${process.version}; medians of ${ROUNDS} rounds, alternating`,
  );
  const lab = await connect();
  try {
    const warmUp = await lab.submit(noopSweep(10), { store: join(scratch, 'warm-up') });
    await warmUp.result();
    await measureOverhead(lab);
    measureWarmSubmit(scratch, ROUNDS, report);
    await measureMillionRuns(lab, scratch, report);
    report.title('slot utilisation');
    await measureUtilisation(lab, join(scratch, 'sorted'), report);
  } finally {
    await lab.close();
  }
  if (json !== undefined) report.save(json);
} finally {
  execFileSync(process.execPath, [program, 'engine', 'stop'], { stdio: 'ignore' });
  rmSync(scratch, { recursive: true, force: true });
}

async function measureOverhead(lab) {
  const { bare, sweep } = await measureManyRuns(lab, scratch, { runs: RUNS, rounds: ROUNDS, resume: false });
  report.perSecond('bare_per_second', RUNS, bare, `bare loop, ${RUNS} records`, 'records/s, one thread');
  report.perSecond(
    'runs_per_second',
    RUNS,
    sweep,
    `metalab, ${RUNS} no-op runs, submit to result`,
    'runs/s, two slots',
  );
  report.ratio('ratio', bare / sweep, 'ratio to the bare loop', 'expected ≥ 0.6');
  const file = join(scratch, 'activities.ndjson');
  const activities = await measureOneActivityPerRun(lab.temporal, ACTIVITIES, file);
  report.perSecond(
    'activities_per_second',
    ACTIVITIES,
    activities,
    `one activity per run, ${ACTIVITIES} runs`,
    'runs/s',
  );
  const ratio = RUNS / sweep / (ACTIVITIES / activities);
  report.row(
    'activities_ratio',
    Math.round(ratio),
    '  ratio of metalab to it',
    ratio.toFixed(0),
    'expected ≥ 200',
  );
}
