import { rmSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { metalab, startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { until } from '../support/until.js';
import { Terminal } from './tmux.js';

/** 40 runs of 200 ms; every fourth fails. */
const SWEEP = `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, grid, operation, seeds } from 'metalab';
export const measure = operation(async ({ params, seeds, capture }) => {
  while (params.x >= 8 && existsSync('hold')) await sleep(20);
  await sleep(200);
  if (params.x % 4 === 3) throw new Error('unlucky');
  capture.metrics({ accuracy: seeds.rng().float(), loss: params.x / 3, a_metric_with_quite_a_long_name: 1e-7, label: 'x' });
});
export default experiment({
  name: 'terminal', version: '0.1', operation: measure, params: grid({ x: Array.from({ length: 20 }, (_, i) => i) }), seeds: seeds({ base: 1, replicates: 2 }),
});`;

beforeAll(async () => {
  // So that no screen tells of starting them.
  const { code, stderr } = await metalab(['engine', 'start']);
  expect(code, stderr).toBe(0);
});

test('a terminal shows progress while a sweep runs, and a clean screen afterwards', async () => {
  const project = await projectWith({ 'sweep.ts': SWEEP });
  const terminal = await Terminal.open(project.folder, 100);
  await terminal.type('metalab submit sweep.ts --slots 2; echo "code $?"');
  await terminal.waitFor(/mean accuracy 0\.\d+ ± 0\.\d+ · loss [\d.]+ ± [\d.]+/);
  expect(await terminal.screen({ colors: true })).toContain('\x1b[32m━');
  const frames = await terminal.waitFor(/^code \d+$/m);

  const bars = frames.filter((frame) => frame.includes('━'));
  expect(bars.length).toBeGreaterThan(5);
  for (const frame of bars) {
    const [command, bar, facts, means, ...rest] = frame.split('\n');
    expect(command).toBe('$ metalab submit sweep.ts --slots 2; echo "code $?"');
    expect(bar).toMatch(/^terminal:0\.1 ━{28} +\d+ % {2}\d+\/40 runs$/);
    expect(facts).toMatch(/^ {2}[\d.]+ runs\/(s|h)( · [^·]+ left)?( · \d+ failed)?$/);
    expect(means).toMatch(/^ {2}mean accuracy .* · loss .* · a_metric_with_quite_a_long_name 1e-7 ± 0$/);
    expect(rest).toEqual([]);
  }
  expect(bars.some((frame) => / left · \d+ failed$/m.test(frame))).toBe(true);

  const done = bars.map((frame) => Number(/(\d+)\/40/.exec(frame)![1]));
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect((await terminal.unwrapped()).split('\n')).toEqual([
    '$ metalab submit sweep.ts --slots 2; echo "code $?"',
    '✗ terminal:0.1: 40 runs: 30 success, 10 failed; 40 executed, 0 reused',
    expect.stringMatching(/^ {2}results: metalab results terminal:0\.1 {3}store: file:.*\/experiments$/),
    expect.stringMatching(/^ {2}failed runs: metalab results terminal:0\.1 --where status=failed/),
    'code 1',
    '$',
  ]);
});

test.each([50, 200])('no line of the progress is wider than a terminal of %d columns', async (columns) => {
  const project = await projectWith({ 'sweep.ts': SWEEP });
  const terminal = await Terminal.open(project.folder, columns, { NO_COLOR: '1' });
  await terminal.type('metalab submit sweep.ts');
  await terminal.waitFor(/ mean accuracy/);
  expect(await terminal.screen({ colors: true })).not.toContain('\x1b');
  const frames = await terminal.waitFor(/failed runs:/);
  for (const frame of frames.filter((text) => text.includes('━'))) {
    const [, bar, ...lines] = frame.split('\n');
    expect(bar).toMatch(/^terminal:0\.1 ━+ +\d+ % {2}\d+\/40 runs$/);
    expect(lines.length).toBeLessThanOrEqual(2);
    for (const line of lines)
      expect(line).toMatch(/^ {2}(mean accuracy|[\d.]+ runs\/(s|h)|[\dms. ]+ elapsed)/);
  }
  expect(await terminal.screen()).not.toContain('━');
});

test('Ctrl-C detaches at once, says how to attach or cancel, and the runs continue', async () => {
  // The sweep does not end before somebody has joined it.
  const project = await projectWith({ 'sweep.ts': SWEEP, hold: '' });
  const terminal = await Terminal.open(project.folder, 100);
  await terminal.type('metalab submit sweep.ts');
  await terminal.waitFor(/ mean accuracy/);
  await terminal.press('C-c');
  await terminal.waitFor(/detached[\s\S]*^\$ *$/m, 10_000);
  await terminal.type('echo "code $?"');
  await terminal.waitFor(/^code 130$/m);
  expect((await terminal.unwrapped()).split('\n').slice(1)).toEqual([
    'detached: the runs of terminal:0.1 continue',
    '  metalab attach terminal:0.1 follows them again, metalab cancel terminal:0.1 ends them',
    '$ echo "code $?"',
    'code 130',
    '$',
  ]);

  const joining = startMetalab(['submit', project.path('sweep.ts'), '--store', project.store, '--json']);
  await until(() => joining.stderrSoFar().includes('joined submission'));
  rmSync(project.path('hold'));
  expect(JSON.parse((await joining.finished).stdout)).toMatchObject({
    total: 40,
    executed: 40,
    success: 30,
    failed: 10,
  });
});
