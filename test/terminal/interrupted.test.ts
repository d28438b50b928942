import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { useOwnEngine } from '../support/engine.js';
import { engineStatus } from '../support/engine-status.js';
import { experimentText } from '../support/experiment-text.js';
import { kill } from '../support/kill.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { HELD } from './held.js';
import { Terminal } from './tmux.js';

// Whose processes are killed here.
const env = { ...useOwnEngine(), TEMPORAL_ADDRESS: '' };

test('watch continues after its server was killed, and Ctrl-C ends it with 130', async () => {
  const project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
  await metalab(['submit', 'experiment.ts', '--detach'], { cwd: project.folder, env });
  const terminal = await Terminal.open(project.folder, 120, env);
  await terminal.type('metalab watch; echo "code $?"');
  await terminal.waitFor(/^e:1 +running/m);
  const { pid, address } = (await engineStatus(env)).server!;
  const port = Number(address.split(':').at(-1));
  await kill(pid);
  await terminal.waitFor(/^e:1 +running[\s\S]*does not answer/m);
  // Then another user's server has the port, and this one has to take another.
  const another = {
    METALAB_HOME: mkdtempSync(join(tmpdir(), 'metalab-another-')),
    METALAB_PORT: String(port),
  };
  onTestFinished(async () => {
    await metalab(['engine', 'stop'], { env: another });
    rmSync(another.METALAB_HOME, { recursive: true, force: true });
  });
  const taken = await metalab(['engine', 'start'], { env: another });
  expect(taken.code, taken.stderr).toBe(0);
  const restarted = await metalab(['engine', 'start'], { env });
  expect(restarted.code, restarted.stderr).toBe(0);
  await terminal.waitFor(/^e:1 +running.*\nnot shown.*\nCtrl-C stops watching/m, 60_000);
  await kill((await engineStatus(env)).server!.pid);
  await terminal.waitFor(/^e:1 +running[\s\S]*does not answer/m);
  await terminal.press('C-c');
  await terminal.waitFor(/code 130$/m, 3_000);
  expect(await terminal.screen()).not.toContain('Error');
  const cancelled = await metalab(['cancel', 'e'], { cwd: project.folder, env });
  expect(cancelled.code, cancelled.stderr).toBe(0);
  // A run whose worker has not heard of the cancellation yet, its server having died, would write into the folder.
  await metalab(['engine', 'stop'], { env });
}, 360_000);

test('Ctrl-C of a waiting cancel says that the sweep is still being cancelled, and exits with 130', async () => {
  // It does not listen to its AbortSignal, so that there is time to leave.
  const project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
  await metalab(['submit', 'experiment.ts', '--detach', '--slots', '2'], { cwd: project.folder, env });
  const terminal = await Terminal.open(project.folder, 120, env);
  await terminal.type('metalab cancel e; echo "code $?"');
  await terminal.waitFor(/cancelling e:1/);
  await terminal.press('C-c');
  await terminal.waitFor(/detached: e:1 is being cancelled all the same[\s\S]*^code 130$/m);
  await project.write({ go: '' });
  await vi.waitFor(
    async () => {
      const { stdout } = await metalab(['status', 'e', '--json'], { cwd: project.folder, env });
      expect(JSON.parse(stdout)).toMatchObject({ state: 'cancelled' });
    },
    { timeout: 60_000, interval: 500 },
  );
}, 360_000);
