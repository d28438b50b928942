import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fakeTimeLibrary } from '../../scripts/setup/faketime.mjs';
import type { RunRecord } from '../../src/definition/record.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { executionsIn, startWorker, useOwnWorkers } from '../support/engine.js';
import { metalab, resultsJson, type SubmitLine, startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const env = await useOwnWorkers();
const RUNS = 40;
const RUN_MS = 200;
const HOUR_MS = 3_600_000;

/** Three runs set the clock while they run: x = 5 dies by it, x = 15 is tried again, x = 25 logs before and after. */
const SWEEP = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { experiment, grid, operation, seeds } from 'metalab';
const AHEAD = '+3600';
const BACK = '-3600';
const setClock = (offset) => writeFileSync(process.env.FAKETIME_TIMESTAMP_FILE, offset + '\\n');
export const timed = operation(async ({ params, capture, runtime }) => {
  appendFileSync('executions', params.x + ' ' + process.pid + '\\n');
  capture.log('began');
  if (params.x === 5) setClock(AHEAD);
  if (params.x === 15 && runtime.attempt === 2) setClock(BACK);
  if (params.x === 25) setClock(BACK);
  await new Promise((resolve) => setTimeout(resolve, ${RUN_MS}));
  if (params.x === 5) process.kill(process.pid, 'SIGKILL');
  if (params.x === 15 && runtime.attempt === 1) throw new Error('once');
  capture.log('ended');
  capture.metric('now', Date.now());
});
export default experiment({
  name: 'timed', version: '1', operation: timed, retries: 1, timeout: '60s',
  env: ['LD_PRELOAD', 'FAKETIME_TIMESTAMP_FILE', 'FAKETIME_NO_CACHE', 'FAKETIME_DONT_FAKE_MONOTONIC'],
  params: grid({ x: Array.from({ length: ${RUNS} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
});`;

test('a wall clock that jumps an hour ahead and two back changes no duration, attempt, order or count', {
  timeout: 540_000,
}, async () => {
  const project = await projectWith({ 'timed.mjs': SWEEP, clock: '+0\n' });
  // The server keeps the right time: a program in Go does not ask the C library for it.
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
  const submit = async (...more: readonly string[]) => {
    const args = ['submit', 'timed.mjs', '--slots', '2', '--json', ...more];
    const began = performance.now();
    const { code, stdout, stderr } = await startMetalab(args, { cwd: project.folder, env: jumping }).finished;
    expect(code, stderr).toBe(1);
    return { outcome: JSON.parse(stdout.trim()) as SubmitLine, elapsed: performance.now() - began };
  };
  const { outcome, elapsed } = await submit();
  expect(outcome).toMatchObject({ total: RUNS, executed: RUNS, success: RUNS - 1, failed: 1 });
  expect(outcome.duration_ms).toBeLessThan(elapsed);

  const records = (await resultsJson('timed', project.store)) as unknown as RunRecord[];
  const times = records.flatMap(({ metrics }) => (metrics.now as number | undefined) ?? []);
  // The clock did jump under them.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1.9 * HOUR_MS);
  for (const { duration_ms } of records) {
    expect(duration_ms).toBeGreaterThanOrEqual(RUN_MS - 5);
    expect(duration_ms).toBeLessThan(elapsed);
  }
  expect(records[5]).toMatchObject({ status: 'failed', attempt: 2, error: { type: 'CrashError' } });
  expect(records[15]).toMatchObject({ status: 'success', attempt: 2 });
  expect(records.filter(({ attempt }) => attempt !== 1)).toHaveLength(2);
  // No attempt of another was lost or done again.
  expect(executionsIn(project)).toHaveLength(RUNS + 2);
  const lines: string[] = [];
  const store = await openFileStore(project.store);
  for await (const { message } of store.logs('timed:1', records[25]!)) lines.push(message);
  expect(lines).toEqual(['began', 'ended']);

  // Done again when it is two hours earlier: later all the same.
  writeFileSync(project.path('clock'), '-7200\n');
  const { outcome: fresh } = await submit('--fresh');
  expect(fresh.submission > outcome.submission).toBe(true);
  expect((await store.submissions('timed:1')).at(-1)).toBe(fresh.submission);
  for (const { generation } of await resultsJson('timed', project.store)) expect(generation).toBe(1);
  worker.kill('SIGTERM');
  expect((await worker.finished).code).toBe(0);
});
