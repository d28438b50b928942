import { expect, test } from 'vitest';
import { countedSweep, executionsIn, useOwnEngine } from '../support/engine.js';
import { serverAddress, temporalClient } from '../support/engine-status.js';
import { metalab, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const env = useOwnEngine();

test('a sweep of a version that did not sign: submit says so, and the next worker of the engine ends it', async () => {
  const project = await projectWith(countedSweep(3, 0));
  const args = ['counted.mjs', '--store', project.store];
  const options = { cwd: project.folder, env: { ...env, TEMPORAL_ADDRESS: '' } };
  const { outcome } = await submitJson(args, options);
  const address = await serverAddress(options.env);
  const { workflow } = await temporalClient(options.env);
  // The outcome is there a moment before the workflow has ended.
  await workflow.getHandle(outcome!.workflow_id).result();
  // As the version before started it; no worker polls its task queue.
  const old = await workflow.start('experiment', {
    workflowId: outcome!.workflow_id,
    taskQueue: 'metalab',
    args: [{ store: outcome!.store, experiment_id: 'counted:1', search_attributes: false }],
  });

  // On a server of the user's own, it may be another worker's.
  const own = { ...options, env: { ...env, TEMPORAL_ADDRESS: address } };
  const refused = await metalab(['submit', ...args], own);
  expect(refused.stderr).toContain('an older version of metalab, which did not sign requests');
  expect(refused.stderr).toContain(`temporal workflow terminate --workflow-id '${outcome!.workflow_id}'`);
  expect(refused.code).toBe(1);

  await metalab(['engine', 'stop'], options);
  const again = await submitJson(args, options);
  expect(again.outcome, again.stderr).toMatchObject({ total: 3, reused: 3, success: 3 });
  expect(executionsIn(project)).toHaveLength(3);
  const handle = (await temporalClient(options.env)).workflow.getHandle(
    old.workflowId,
    old.firstExecutionRunId,
  );
  expect((await handle.describe()).status.name).toBe('TERMINATED');
}, 360_000);
