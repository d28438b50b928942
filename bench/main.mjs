// `npm run bench`: metalab's overhead as ratios, side by side in one run. Never a timed test: machines are noisy.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, grid } from 'metalab';
import { noopSweep } from './noop.mjs';
import { measureOneActivityPerRun } from './one-activity/measure.mjs';

const ROUNDS = 5;
const RUNS = 100_000;
const ACTIVITIES = 2_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const program = join(root, 'bin', 'metalab.js');
const scratch = mkdtempSync(join(tmpdir(), 'metalab-bench-'));
process.env.METALAB_HOME = join(scratch, 'home');

const ONE_RUN = `
import { experiment, grid, operation, seeds } from 'metalab';
export const one = operation(({ params, capture }) => capture.metric('x', params.x));
export default experiment({ name: 'one', version: 'VERSION', operation: one, params: grid({ x: [1] }), seeds: seeds({ base: 1 }) });
`;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const metalab = (...args) =>
  execFileSync(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'ignore'], cwd: scratch });
const row = (what, figure, note = '') => console.log(`${what.padEnd(58)} ${figure.padStart(14)}   ${note}`);

try {
  console.log(
    `${availableParallelism()} cores, Node ${process.version}; medians of ${ROUNDS} rounds, alternating\n`,
  );
  const lab = await connect();
  try {
    await lab
      .submit(noopSweep(10, grid), { store: join(scratch, 'warm-up') })
      .then((handle) => handle.result());
    const { bare, sweep } = await measureSweeps(lab);
    row(`bare loop, ${RUNS} records`, `${perSecond(RUNS, bare)}`, 'records/s, one thread');
    row(`metalab, ${RUNS} no-op runs, submit to result`, perSecond(RUNS, sweep), 'runs/s, two slots');
    row('  ratio to the bare loop', (bare / sweep).toFixed(2), 'expected ≥ 0.6');
    const activities = await measureOneActivityPerRun(
      lab.temporal,
      ACTIVITIES,
      join(scratch, 'activities.ndjson'),
    );
    row(`one activity per run, ${ACTIVITIES} runs`, perSecond(ACTIVITIES, activities), 'runs/s');
    row('  ratio of metalab to it', (RUNS / sweep / (ACTIVITIES / activities)).toFixed(0), 'expected ≥ 200');
  } finally {
    await lab.close();
  }
  measureWarmSubmit();
} finally {
  metalab('engine', 'stop');
  rmSync(scratch, { recursive: true, force: true });
}

async function measureSweeps(lab) {
  const times = { bare: [], sweep: [] };
  for (let round = 0; round < ROUNDS; round++) {
    times.bare.push(
      Number(
        execFileSync(process.execPath, [
          join(root, 'bench', 'bare-loop.mjs'),
          String(RUNS),
          join(scratch, 'bare.ndjson'),
        ]),
      ),
    );
    const began = performance.now();
    const handle = await lab.submit(noopSweep(RUNS, grid), {
      store: join(scratch, `store-${round}`),
      slots: 2,
    });
    const { success } = await handle.result();
    times.sweep.push((performance.now() - began) / 1000);
    if (success !== RUNS) throw new Error(`${success} of ${RUNS} runs are success`);
  }
  return { bare: median(times.bare), sweep: median(times.sweep) };
}

function measureWarmSubmit() {
  const times = { node: [], submit: [] };
  const file = join(scratch, 'one.mjs');
  for (let round = 0; round < ROUNDS; round++) {
    // Another version each time: a run that is executed, not reused.
    writeFileSync(file, ONE_RUN.replace('VERSION', String(round)));
    times.node.push(wall(['-e', '0']));
    times.submit.push(wall([program, 'submit', file, '--store', join(scratch, 'one'), '--json']));
  }
  row('node -e 0', `${median(times.node).toFixed(3)} s`);
  row('warm submit of one run', `${median(times.submit).toFixed(3)} s`, 'expected ≤ 1.0 s');
  row('  ratio to node -e 0', (median(times.submit) / median(times.node)).toFixed(1));
}

function wall(args) {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: scratch, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return (performance.now() - began) / 1000;
}

function perSecond(count, seconds) {
  return Math.round(count / seconds).toLocaleString('en-US');
}
