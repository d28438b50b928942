import { fileURLToPath } from 'node:url';
import { measureHistory } from './history.mjs';
import { measureManyRuns } from './many-runs.mjs';
import { PeakMemory } from './peak-memory.mjs';
import { program, wallSecondsBeside } from './processes.mjs';

const RUNS = 1_000_000;
const ROUNDS = 3;

/** A million runs in one submission: speed, memory, and what of it passes through Temporal. */
export async function measureMillionRuns(lab, scratch, report) {
  const memory = new PeakMemory(process.env.METALAB_HOME);
  report.title(`${RUNS.toLocaleString('en-US')} no-op runs; medians of ${ROUNDS} rounds`);
  const measured = await measureManyRuns(lab, scratch, { runs: RUNS, rounds: ROUNDS, resume: true });
  const { bare, sweep, bareScan, resume, store, handle } = measured;
  report.perSecond('million_bare_per_second', RUNS, bare, 'bare loop', 'records/s, one thread');
  report.perSecond('million_runs_per_second', RUNS, sweep, 'metalab, submit to result', 'runs/s, two slots');
  report.ratio('million_ratio', bare / sweep, 'ratio to the bare loop', 'expected ≥ 1.2');
  report.seconds('bare_scan_seconds', bareScan, 'bare scan of the segments, and hashing');
  report.seconds('resume_seconds', resume, 'metalab, submitted again when all is done');
  report.ratio('resume_ratio', resume / bareScan, 'ratio to the bare scan', 'expected ≤ 3');

  const { events, largestPayload } = await measureHistory(lab.temporal, handle.workflowId);
  report.row('history_events', events, 'events in the history', String(events), 'expected ≤ 10,000');
  report.row(
    'largest_payload_bytes',
    largestPayload,
    'largest payload',
    `${largestPayload} B`,
    'expected ≤ 65,536',
  );

  // The command line reads and submits the same again: its memory counts too.
  const file = fileURLToPath(new URL('million.mjs', import.meta.url));
  const cli = await wallSecondsBeside([program, 'submit', file, '--store', store, '--json'], scratch);
  report.seconds('resume_cli_seconds', cli, 'the same from the command line');
  for (const [kind, peak] of Object.entries(memory.stop()).sort()) {
    const note = kind === 'Temporal server' ? '' : 'expected ≤ 500 MB';
    report.row(`peak_mb_${kind.replaceAll(' ', '_')}`, peak, `peak memory, ${kind}`, `${peak} MB`, note);
  }
}
