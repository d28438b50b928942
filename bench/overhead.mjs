import { join } from 'node:path';
import { measureManyRuns } from './many-runs.mjs';
import { measureOneActivityPerRun } from './one-activity/measure.mjs';
import { measureWarmSubmit } from './warm-submit.mjs';

const ROUNDS = 5;
const RUNS = 100_000;
const ACTIVITIES = 2_000;

/** What a no-op run costs, beside a bare loop and beside an activity for each; and what a submit does. */
export async function measureOverhead(lab, scratch, report) {
  report.title(`overhead; medians of ${ROUNDS} rounds, alternating`);
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
  measureWarmSubmit(scratch, ROUNDS, report);
}
