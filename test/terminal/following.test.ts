import { expect, test, vi } from 'vitest';
import { useOwnEngine } from '../support/engine.js';
import { killWorkers } from '../support/engine-status.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { HELD } from './held.js';
import { Terminal } from './tmux.js';

// Whose processes are killed here.
const env = { ...useOwnEngine(), TEMPORAL_ADDRESS: '' };

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
    await vi.waitFor(async () => expect((await status()).in_progress).toHaveLength(2), {
      timeout: 30_000,
      interval: 500,
    });
    await terminal.waitFor(/━.*0 %/);
    await killWorkers(env);
    const frames = await terminal.waitFor(/died: what it had in progress starts again/);
    await vi.waitFor(
      async () => {
        const { in_progress, lost_workers } = await status();
        expect(lost_workers).toEqual([]);
        expect(in_progress).toHaveLength(2);
        expect(new Set(in_progress.map(({ run_id }) => run_id)).size).toBe(2);
      },
      { timeout: 180_000, interval: 500 },
    );
    frames.push(await terminal.screen());
    for (const frame of frames)
      expect(frame.split('\n').filter((line) => line.includes('━')).length).toBeLessThan(2);
    await project.write({ go: '' });
    await terminal.waitFor(/3 success/);
    expect(await terminal.screen()).not.toContain('━');
  },
  360_000,
);
