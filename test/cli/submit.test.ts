import { rm } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { experimentText } from '../support/experiment-text.js';
import { metalab, resultsJson, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

let project: Project;

const submit = (...args: string[]) => submitJson(['experiment.ts', ...args], { cwd: project.folder });
const records = () => resultsJson('e:1', project.store, ['--sort', 'x']);

beforeEach(async () => {
  project = await projectWith({ 'experiment.ts': experimentText() });
});

test('the first submit runs everything and the second reuses it, each with one JSON line at the end', async () => {
  const first = await submit();
  expect(first.code).toBe(0);
  expect(first.stdout.trim().split('\n')).toHaveLength(1);
  expect(Object.keys(first.outcome!)).toEqual(
    ['experiment', 'workflow_id', 'submission', 'state', 'total', 'reused', 'executed'].concat([
      'success',
      'failed',
      'cancelled',
      'missing',
      'duration_ms',
      'reason',
      'store',
    ]),
  );
  const { submission, duration_ms, store, ...rest } = first.outcome!;
  const workflow_id = expect.stringMatching(/^metalab\/[0-9a-f]{16}\/e:1$/);
  const counts = { total: 3, success: 3, failed: 0, cancelled: 0 };
  const ended = { state: 'completed', missing: 0, reason: null };
  expect(rest).toEqual({ experiment: 'e:1', workflow_id, ...counts, ...ended, reused: 0, executed: 3 });
  expect(submission).toMatch(/^\d{8}T\d{6}-[0-9a-f]{6}$/);
  expect(Number.isInteger(duration_ms)).toBe(true);
  expect(store).toMatch(/^file:\/\/\/.*\/experiments$/);

  const second = await submit();
  expect(second).toMatchObject({ code: 0, outcome: { ...counts, reused: 3, executed: 0 } });
  expect(second.outcome!.submission).not.toBe(submission);
  expect(
    (await records()).map(({ params, metrics, generation }) => ({ params, metrics, generation })),
  ).toEqual([1, 2, 3].map((x) => ({ params: { x }, metrics: { y: 2 * x }, generation: 0 })));
});

test('without --json submit prints what it did and where the results are, without escape codes', async () => {
  const first = await metalab(['submit', 'experiment.ts'], { cwd: project.folder, env: { NO_COLOR: '' } });
  expect(first.stdout).toMatch(
    /^✓ e:1: 3 runs: 3 success; 3 executed, 0 reused\n {2}results: metalab results e:1 {3}store: file:\/\/.*\n$/,
  );
  expect(first.code).toBe(0);
  const second = await metalab(['submit', 'experiment.ts'], { cwd: project.folder, env: { NO_COLOR: '' } });
  expect(second.stdout).toContain('✓ e:1: 3 runs: 3 success; everything reused, nothing executed');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is looked for.
  for (const { stdout, stderr } of [first, second]) expect(stdout + stderr).not.toMatch(/\u001b/);
});

describe('failed cells', () => {
  /** Case 2 fails as long as the file is there: what mends it is no part of the identity. */
  const body = `const { existsSync } = await import('node:fs');
  if (params.x === 2 && existsSync('broken')) throw new Error('it is broken');
  capture.metric('y', params.x);`;

  beforeEach(async () => {
    await project.write({ 'experiment.ts': experimentText({ body }), broken: '' });
    const { code, outcome } = await submit();
    expect(outcome).toMatchObject({ total: 3, executed: 3, success: 2, failed: 1 });
    expect(code).toBe(1);
  });

  test('are done again at the next submit, as the next generation', async () => {
    await rm(project.path('broken'));
    expect(await submit()).toMatchObject({
      code: 0,
      outcome: { executed: 1, reused: 2, success: 3, failed: 0 },
    });
    const found = (await records()).map(({ status, generation, error }) => ({ status, generation, error }));
    expect(found).toEqual([0, 1, 0].map((generation) => ({ status: 'success', generation, error: null })));
  });

  test('are reported by submit, with a command that shows the errors', async () => {
    const again = await metalab(['submit', 'experiment.ts'], { cwd: project.folder });
    expect(again.code).toBe(1);
    expect(again.stdout).toContain('✗ e:1: 3 runs: 2 success, 1 failed; 1 executed, 2 reused');
    const command = /failed runs: metalab (results .*)\n/.exec(again.stdout)![1]!.split(' ');
    const shown = await metalab(command, { cwd: project.folder });
    expect(shown.stdout).toMatch(/run_id +error\n[0-9a-f]{32} +it is broken\n/);
  });

  test('are kept with --keep-failed, and the exit code is still that of failures', async () => {
    await rm(project.path('broken'));
    expect(await submit('--keep-failed')).toMatchObject({
      code: 1,
      outcome: { executed: 0, reused: 3, success: 2, failed: 1 },
    });
  });

  test('and all others are executed again with --fresh', async () => {
    await rm(project.path('broken'));
    expect(await submit('--fresh')).toMatchObject({
      code: 0,
      outcome: { executed: 3, reused: 0, success: 3 },
    });
    expect((await records()).map(({ generation }) => generation)).toEqual([1, 1, 1]);
  });
});

test('--name picks an experiment of several by its name, its id or its export', async () => {
  const after = `export const wider = experiment({ ...base, name: 'wide', params: grid({ x: [1, 2, 3, 4, 5] }) });`;
  await project.write({ 'experiment.ts': experimentText({ after }) });
  for (const name of ['wide', 'wide:1', 'wider']) {
    expect((await submit('--name', name)).outcome).toMatchObject({ experiment: 'wide:1', total: 5 });
  }
  expect((await submit('--name', 'e')).outcome).toMatchObject({ experiment: 'e:1', total: 3, executed: 3 });
  const listed = await metalab(['list', '--json'], { cwd: project.folder });
  expect(JSON.parse(listed.stdout)).toMatchObject([
    { experiment_id: 'e:1', submissions: 1 },
    { experiment_id: 'wide:1', cells: 5, runs: { success: 5 }, submissions: 3 },
  ]);
});

test('the store is --store, else METALAB_STORE, else ./experiments', async () => {
  const store = async (args: string[], env: NodeJS.ProcessEnv = {}) =>
    (await submitJson(['experiment.ts', ...args], { cwd: project.folder, env })).outcome!.store;
  expect(await store(['--store', 'a'], { METALAB_STORE: 'b' })).toMatch(/\/a$/);
  expect(await store([], { METALAB_STORE: 'b' })).toMatch(/\/b$/);
  expect(await store([])).toMatch(/\/experiments$/);
});

test('a store that was removed and created again at its path is a new one: everything is executed again', async () => {
  expect((await submit()).outcome).toMatchObject({ executed: 3, success: 3 });
  await rm(project.store, { recursive: true });
  expect((await submit()).outcome).toMatchObject({ reused: 0, executed: 3, success: 3 });
});
