import { expect, test, vi } from 'vitest';
import type { EngineStatus } from '../../src/engine/status.js';
import { useOwnEngine } from '../support/engine.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { Terminal } from './tmux.js';

// Whose processes are killed here.
const env = { ...useOwnEngine(), TEMPORAL_ADDRESS: '' };

const HELD = `const { existsSync } = await import('node:fs');
  while (!existsSync('go') && existsSync('experiment.ts')) await new Promise((done) => setTimeout(done, 20));
  capture.metric('y', params.x);`;
const engine = async () =>
  JSON.parse((await metalab(['engine', 'status', '--json'], { env })).stdout) as EngineStatus;

test.each([80, 120])(
  'kill -9 of the worker: one bar in %d columns, a word about it, and no run twice',
  async (columns) => {
    const project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
    await metalab(['engine', 'start'], { env });
    const terminal = await Terminal.open(project.folder, columns, env);
    await terminal.type('metalab submit experiment.ts --slots 2');
    const status = async () => {
      const { stdout } = await metalab(['status', 'e', '--json'], { cwd: project.folder, env });
      return JSON.parse(stdout) as { in_progress: { run_id: string }[]; lost_workers: string[] };
    };
    await vi.waitFor(async () => expect((await status()).in_progress).toHaveLength(2), 30_000);
    await terminal.waitFor(/━.*0 %/);
    for (const { pid } of (await engine()).workers) process.kill(pid, 'SIGKILL');
    const frames = await terminal.waitFor(/died: what it had in progress starts again/);
    await vi.waitFor(async () => {
      const { in_progress, lost_workers } = await status();
      expect(lost_workers).toEqual([]);
      expect(in_progress).toHaveLength(2);
      expect(new Set(in_progress.map(({ run_id }) => run_id)).size).toBe(2);
    }, 180_000);
    frames.push(await terminal.screen());
    for (const frame of frames)
      expect(frame.split('\n').filter((line) => line.includes('━')).length).toBeLessThan(2);
    await project.write({ go: '' });
    await terminal.waitFor(/3 success/);
    expect(await terminal.screen()).not.toContain('━');
  },
  360_000,
);

test('watch outlasts the death of its server, and Ctrl-C of it and of cancel end with 130', async () => {
  const project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
  await metalab(['submit', 'experiment.ts', '--detach'], { cwd: project.folder, env });
  const terminal = await Terminal.open(project.folder, 120, env);
  await terminal.type('metalab watch; echo "code $?"');
  await terminal.waitFor(/^e:1 +running/m);
  process.kill((await engine()).server!.pid, 'SIGKILL');
  await terminal.waitFor(/^e:1 +running[\s\S]*does not answer/m);
  await metalab(['engine', 'start'], { env });
  await terminal.waitFor(/^e:1 +running.*\nnot shown.*\nCtrl-C ends watching/m, 60_000);
  process.kill((await engine()).server!.pid, 'SIGKILL');
  await terminal.waitFor(/^e:1 +running[\s\S]*does not answer/m);
  await terminal.press('C-c');
  await terminal.waitFor(/code 130$/m, 3_000);
  expect(await terminal.screen()).not.toContain('Error');
  const cancelled = await metalab(['cancel', 'e'], { cwd: project.folder, env });
  expect(cancelled.code, cancelled.stderr).toBe(0);
  // A run whose worker has not heard of the cancellation yet, its server having died, would write into the folder.
  await metalab(['engine', 'stop'], { env });
}, 360_000);

test('Ctrl-C of a cancel that waits says that it is cancelled all the same, and exits with 130', async () => {
  // It does not listen to its AbortSignal, so that there is time to leave.
  const project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
  await metalab(['submit', 'experiment.ts', '--detach', '--slots', '2'], { cwd: project.folder, env });
  const terminal = await Terminal.open(project.folder, 120, env);
  await terminal.type('metalab cancel e; echo "code $?"');
  await terminal.waitFor(/cancelling e:1/);
  await terminal.press('C-c');
  await terminal.waitFor(/detached: e:1 is being cancelled all the same[\s\S]*^code 130$/m);
  await project.write({ go: '' });
  await vi.waitFor(async () => {
    const { stdout } = await metalab(['status', 'e', '--json'], { cwd: project.folder, env });
    expect(JSON.parse(stdout)).toMatchObject({ state: 'cancelled' });
  }, 60_000);
}, 360_000);
