import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { expect, test, vi } from 'vitest';
import type { SweepStatus } from '../../src/client/status/sweep-status.js';
import { findTemporalCli } from '../../src/engine/server/temporal-cli.js';
import { serverAddress, temporalClient } from '../support/engine-status.js';
import { metalab, ROOT, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';

// Several submits each, also on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

/** Runs of x < 0 fail; runs of x ≥ 100 wait until they are aborted. */
const sweep = (name: string, ...xs: readonly number[]) => ({
  'sweep.mjs': `
    import { experiment, grid, operation, seeds } from 'metalab';
    export const work = operation(async ({ params, capture, runtime }) => {
      if (params.x < 0) throw new Error('negative');
      if (params.x >= 100) await new Promise((_, reject) =>
        runtime.signal.addEventListener('abort', () => reject(runtime.signal.reason)));
      capture.metric('y', 2 * params.x);
    });
    export default experiment({
      name: '${name}', version: '1', operation: work, seeds: seeds({ base: 1 }), params: grid({ x: ${JSON.stringify(xs)} }),
    });`,
});

const submit = (project: Project, ...args: readonly string[]) =>
  submitJson([project.path('sweep.mjs'), '--store', project.store, ...args]);

/** The workflow once it has ended: a moment after the outcome is in the store. */
async function ended(client: Client, workflowId: string) {
  const handle = client.workflow.getHandle(workflowId);
  return vi.waitFor(
    async () => {
      const description = await handle.describe();
      expect(description.status.name).not.toBe('RUNNING');
      return { handle, description };
    },
    { timeout: 360_000, interval: 50 },
  );
}

test('a workflow ends as its last submission: failed where runs failed, completed where none did', async () => {
  const project = await projectWith(sweep('ending', -1, 1, 2));
  const first = await submit(project);
  expect(first.code).toBe(1);
  const client = await temporalClient();
  const { handle, description } = await ended(client, first.outcome!.workflow_id);
  expect(description.status.name).toBe('FAILED');
  await expect(handle.result()).rejects.toMatchObject({
    cause: { message: '3 runs: 2 success, 1 failed', details: [{ total: 3, success: 2, failed: 1 }] },
  });

  await project.write(sweep('ending', 1, 2));
  const second = await submit(project);
  expect(second.code).toBe(0);
  const again = await ended(client, second.outcome!.workflow_id);
  expect(again.description.status.name).toBe('COMPLETED');
  expect(await again.handle.result()).toMatchObject({ total: 2, success: 2 });
});

test('a workflow whose sweep was cancelled ends as cancelled, and another submit begins a new one', async () => {
  const project = await projectWith(sweep('stopped', 1, 100));
  const following = startMetalab(['submit', project.path('sweep.mjs'), '--store', project.store, '--json']);
  await until(async () => {
    const { stdout } = await metalab(['status', 'stopped', '--store', project.store, '--json']);
    return (JSON.parse(stdout) as SweepStatus).running > 0;
  });
  expect((await metalab(['cancel', 'stopped', '--store', project.store])).code).toBe(0);
  const { stdout } = await following.finished;
  const { workflow_id } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { readonly workflow_id: string };
  const client = await temporalClient();
  const { description } = await ended(client, workflow_id);
  expect(description.status.name).toBe('CANCELLED');
  expect(description.searchAttributes).toMatchObject({ MetalabStatus: ['cancelled'], MetalabTotal: [2] });

  await project.write(sweep('stopped', 1, 2));
  const next = await submit(project);
  expect(next.outcome).toMatchObject({ total: 2, success: 2 });
});

test('what the README says lists sweeps in Temporal lists them', async () => {
  const project = await projectWith(sweep('listed', -1, 1));
  const { outcome } = await submit(project);
  const client = await temporalClient();
  await ended(client, outcome!.workflow_id);
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const commands = [...readme.matchAll(/^temporal (workflow list .*)$/gm)].map(([, command]) => command!);
  expect(commands.length).toBeGreaterThan(2);
  const { path: cli } = findTemporalCli()!;
  const env = { ...process.env, TEMPORAL_ADDRESS: await serverAddress() };
  for (const command of commands) {
    const line = command.replace('pi_mc:0.1', 'listed:1');
    // The list is indexed a moment after a workflow has ended.
    await vi.waitFor(
      async () => {
        const { stdout } = await promisify(execFile)('sh', ['-c', `"${cli}" ${line}`], { env });
        expect(stdout, line).toContain(outcome!.workflow_id);
      },
      { timeout: 360_000, interval: 200 },
    );
  }
});
