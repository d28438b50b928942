import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { viewWorkflows } from '../../src/workers/workflow-view.js';
import { temporalClient } from '../support/engine-status.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const HELD = `const { existsSync } = await import('node:fs');
  while (!existsSync('go') && existsSync('experiment.ts')) await new Promise((done) => setTimeout(done, 20));`;

test('64 chunks that look every second ask their workflow once a second, and one that has to know asks at once', async () => {
  const project = await projectWith({ 'experiment.ts': experimentText({ body: HELD }) });
  const args = ['submit', 'experiment.ts', '--detach', '--json'];
  const { stdout } = await metalab(args, { cwd: project.folder });
  const { workflow_id, submission } = JSON.parse(stdout) as Record<'workflow_id' | 'submission', string>;
  const { connection } = await temporalClient();
  const queries = vi.spyOn(connection.workflowService, 'queryWorkflow');
  const workflows = viewWorkflows(connection, 'default');

  const began = performance.now();
  const looks = Array.from({ length: 64 }, async (_, chunk) => {
    await sleep((chunk * 1000) / 64);
    for (let look = 0; look < 3; look++, await sleep(1000))
      expect(await workflows.current(workflow_id, 1000)).toMatchObject({ submission });
  });
  await Promise.all(looks);
  expect(queries.mock.calls.length).toBeGreaterThanOrEqual(2);
  expect(queries.mock.calls.length).toBeLessThanOrEqual((performance.now() - began) / 1000 + 1);

  await metalab(['pause', 'e'], { cwd: project.folder });
  expect(await workflows.current(workflow_id, 60_000)).toMatchObject({ paused: false });
  expect(await workflows.current(workflow_id)).toMatchObject({ paused: true });
  await metalab(['cancel', 'e', '--detach'], { cwd: project.folder });
  await project.write({ go: '' });
});
