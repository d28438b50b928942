import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fakeTimeLibrary } from '../../scripts/setup/faketime.mjs';
import { executionsIn, startWorker, until, useOwnEngine } from '../support/engine.js';
import { metalab, resultsJson, type SubmitLine, startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const env = useOwnEngine();
const RUNS = 60;
const RUN_MS = 200;
const HOUR_MS = 3_600_000;

/** Its first attempt at x = 5 dies with its slot; timeouts that no run comes near. */
const SWEEP = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { experiment, grid, operation, seeds } from 'metalab';
export const timed = operation(async ({ params, capture, runtime }) => {
  appendFileSync('executions', params.x + ' ' + process.pid + '\\n');
  capture.log('began');
  await new Promise((resolve) => setTimeout(resolve, ${RUN_MS}));
  if (params.x === 5 && !existsSync('died')) {
    writeFileSync('died', '');
    process.kill(process.pid, 'SIGKILL');
  }
  capture.log('ended');
  capture.metric('now', Date.now());
  capture.metric('attempt', runtime.attempt);
});
export default experiment({
  name: 'timed', version: '1', operation: timed, retries: 1, timeout: '60s',
  env: ['LD_PRELOAD', 'FAKETIME_TIMESTAMP_FILE', 'FAKETIME_NO_CACHE', 'FAKETIME_DONT_FAKE_MONOTONIC'],
  params: grid({ x: Array.from({ length: ${RUNS} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
});`;

test('a wall clock that jumps an hour ahead and two back changes no duration, attempt, order or count', {
  timeout: 180_000,
}, async () => {
  const project = await projectWith({ 'timed.mjs': SWEEP, clock: '+0\n' });
  const setClock = (offset: string) => writeFileSync(project.path('clock'), `${offset}\n`);
  // The server is started by the right clock: a program in Go does not ask the C library for the time.
  const started = await metalab(['engine', 'start'], { env });
  expect(started.code, started.stderr).toBe(0);
  const jumping = {
    ...env,
    LD_PRELOAD: fakeTimeLibrary(),
    FAKETIME_TIMESTAMP_FILE: project.path('clock'),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const worker = await startWorker(jumping);
  const submit = (...more: readonly string[]) =>
    startMetalab(['submit', 'timed.mjs', '--slots', '2', '--json', ...more], {
      cwd: project.folder,
      env: jumping,
    });
  const began = performance.now();
  const first = submit();
  await until(() => executionsIn(project).length >= 12);
  setClock('+3600');
  await until(() => executionsIn(project).length >= 30);
  setClock('-3600');
  const { code, stdout, stderr } = await first.finished;
  const elapsed = performance.now() - began;
  expect(code, stderr).toBe(0);
  const outcome = JSON.parse(stdout.trim()) as SubmitLine;
  expect(outcome).toMatchObject({ total: RUNS, executed: RUNS, success: RUNS, failed: 0 });
  expect(outcome.duration_ms).toBeLessThan(elapsed);

  const records = await resultsJson('timed', project.store);
  const metrics = records.map(
    (record) => record.metrics as { readonly now: number; readonly attempt: number },
  );
  const times = metrics.map(({ now }) => now);
  // The clock did jump under them.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1.9 * HOUR_MS);
  for (const { duration_ms } of records) {
    expect(duration_ms).toBeGreaterThanOrEqual(RUN_MS - 5);
    expect(duration_ms).toBeLessThan(elapsed);
  }
  expect(metrics.filter(({ attempt }) => attempt !== 1)).toHaveLength(1);
  expect(records[5]).toMatchObject({ status: 'success', attempt: 2 });
  expect(executionsIn(project)).toHaveLength(RUNS + 1);

  // Done again when it is two hours earlier: later all the same.
  const again = await submit('--fresh').finished;
  expect(again.code, again.stderr).toBe(0);
  const fresh = JSON.parse(again.stdout.trim()) as SubmitLine;
  expect(fresh.submission > outcome.submission).toBe(true);
  const status = await metalab(['status', 'timed', '--store', project.store, '--json'], { env: jumping });
  expect(JSON.parse(status.stdout)).toMatchObject({ submission: fresh.submission, state: 'completed' });
  for (const { generation } of await resultsJson('timed', project.store)) expect(generation).toBe(1);
  worker.kill('SIGTERM');
  expect((await worker.finished).code).toBe(0);
});
