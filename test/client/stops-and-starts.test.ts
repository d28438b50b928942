import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { metalab, resultsJson, type SubmitLine } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { apart } from '../support/test-server.js';
import { until } from '../support/until.js';

/**
 * Notes every execution, then takes a tenth of a second; from x = 20 on, not before there is a file `go`, and what only
 * the larger sweep has, not before there is a file `joined`.
 */
const sweep = (cells: number) => `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, grid, operation, seeds } from 'metalab';
export const measure = operation(async ({ params, capture }) => {
  appendFileSync('executions.txt', params.x + '\\n');
  while (params.x >= 20 && !existsSync('go')) await sleep(20);
  while (params.x >= 240 && !existsSync('joined')) await sleep(20);
  await sleep(100);
  capture.metric('y', 2 * params.x);
});
export default experiment({
  name: 'stops', version: '1', operation: measure, params: grid({ x: Array.from({ length: ${cells} }, (_, x) => x) }), seeds: seeds({ base: 1 }),
});`;

/** Large enough for a busy machine to be in the middle of it when the commands that stop things have started. */
const SMALL = 240;
const LARGE = 280;

test('with a drained worker, a stopped engine and a queued submission, no run is lost or executed twice', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith({ 'small.ts': sweep(SMALL), 'large.ts': sweep(LARGE) });
  const env = { ...(await apart(project.path('home'))), METALAB_STORE: project.store };
  onTestFinished(() => metalab(['engine', 'stop'], { env }).then(() => {}));
  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { code, stdout, stderr } = await metalab([...args, '--json'], { env, cwd: project.folder });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as T;
  };
  const executions = () => {
    const file = project.path('executions.txt');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  const executed = (count: number) => until(() => executions().length >= count);

  const first = await json<SubmitLine>('submit', 'small.ts', '--slots', '2', '--detach');
  const second = await json<SubmitLine>('submit', 'large.ts', '--slots', '2', '--detach');
  expect(second.workflow_id).toBe(first.workflow_id);
  expect(await json('status', 'stops')).toMatchObject({ submission: first.submission, queued: 1 });

  await executed(10);
  const { workers } = await json<{ readonly workers: readonly { readonly pid: number }[] }>(
    'engine',
    'status',
  );
  const { pid } = workers[0]!;
  process.kill(pid, 'SIGTERM');
  writeFileSync(project.path('go'), '');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), { timeout: 60_000, interval: 50 });
  expect(executions().length).toBeLessThan(SMALL);
  // The next submit replaces the worker, and joins what is in progress.
  expect(await json('submit', 'small.ts', '--slots', '2', '--detach')).toMatchObject({
    submission: first.submission,
  });

  await executed(35);
  await json('engine', 'stop');
  const stoppedAt = executions().length;
  expect(stoppedAt).toBeLessThan(SMALL);
  await json('engine', 'start');
  expect(await json('submit', 'large.ts', '--slots', '2', '--detach')).toMatchObject({
    submission: second.submission,
  });
  writeFileSync(project.path('joined'), '');
  const outcome = await json<SubmitLine>('attach', 'stops');
  expect(outcome).toMatchObject({
    submission: second.submission,
    total: LARGE,
    reused: SMALL,
    executed: LARGE - SMALL,
    success: LARGE,
  });

  expect(executions()).toHaveLength(LARGE);
  expect(new Set(executions()).size).toBe(LARGE);
  expect(await resultsJson('stops', project.store)).toHaveLength(LARGE);
});
