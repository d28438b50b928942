// `npm run bench [-- PART … --json FILE]`: metalab's overhead as ratios, side by side in one run. Never a timed test:
// machines are noisy.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from 'metalab';
import { measureMillionRuns } from './million-runs.mjs';
import { noopSweep } from './noop.mjs';
import { measureOverhead } from './overhead.mjs';
import { program, setUp } from './processes.mjs';
import { Report } from './report.mjs';
import { measureResults } from './results/measure.mjs';
import { measureServices } from './services/measure.mjs';
import { measureSlurm } from './slurm/measure.mjs';
import { measureStores } from './stores/measure.mjs';
import { measureUtilisation } from './utilisation.mjs';

/** In this order; each alone says the same. */
const LOCAL = {
  overhead: measureOverhead,
  million: measureMillionRuns,
  results: measureResults,
  stores: measureStores,
  services: measureServices,
  utilisation: measureUtilisation,
};
const PARTS = [...Object.keys(LOCAL), 'slurm'];

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !PARTS.includes(name.split(':')[0]));
if (unknown.length > 0) {
  console.error(`bench: unknown part ${unknown.join(', ')}\n  expected: some of ${PARTS.join(', ')}`);
  process.exit(1);
}
const chosen = positionals.length > 0 ? positionals : PARTS;
const steps = chosen.filter((name) => name.startsWith('slurm:')).map((name) => name.split(':')[1]);
const scratch = mkdtempSync(join(tmpdir(), 'metalab-bench-'));
const report = new Report();

try {
  report.title(`${availableParallelism()} cores, Node ${process.version}`);
  if (chosen.some((name) => name in LOCAL)) await measureHere();
  if (chosen.includes('slurm') || steps.length > 0) {
    setUp('slurm');
    await measureSlurm(scratch, report, steps);
  }
} finally {
  if (values.json !== undefined) report.save(values.json);
  rmSync(scratch, { recursive: true, force: true });
}

async function measureHere() {
  process.env.METALAB_HOME = join(scratch, 'home');
  const lab = await connect();
  try {
    const warmUp = await lab.submit(noopSweep(10), { store: join(scratch, 'warm-up') });
    await warmUp.outcome();
    for (const [name, measure] of Object.entries(LOCAL))
      if (chosen.includes(name)) await measure(lab, scratch, report);
  } finally {
    await lab.close();
    execFileSync(process.execPath, [program, 'engine', 'stop'], { stdio: 'ignore' });
  }
}
