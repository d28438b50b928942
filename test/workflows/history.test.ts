import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { temporalClient } from '../support/engine-status.js';
import { ROOT, resultsJson, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const RUNS = 20_000;
const NOOPS = `
import { experiment, grid, operation, seeds } from 'metalab';
export const noop = operation(({ params, capture }) => capture.metric('half', params.hidden_param / 2));
export default experiment({
  name: 'noops', version: '1', operation: noop, params: grid({ hidden_param: Array.from({ length: ${RUNS} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
});`;

test(`the history of ${RUNS} runs is small, tells what goes on, and replays`, {
  timeout: 360_000,
}, async () => {
  const project = await projectWith({ 'noops.ts': NOOPS });
  const { outcome, stderr } = await submitJson([project.path('noops.ts'), '--store', project.store]);
  expect(outcome, stderr).toMatchObject({ total: RUNS, executed: RUNS, success: RUNS });
  const handle = (await temporalClient()).workflow.getHandle(outcome!.workflow_id);
  const history = await handle.fetchHistory();

  // Refs, ranges and counts: nothing of a run passes through Temporal.
  expect(history.events!.length).toBeLessThan(400);
  const payloads = payloadsIn(history);
  expect(Math.max(...payloads.map((payload) => payload.length))).toBeLessThan(1024);
  const [record] = await resultsJson('noops', project.store, ['--limit', '1']);
  for (const payload of payloads) {
    expect(payload).not.toContain('hidden_param');
    expect(payload).not.toContain(String(record!.run_id));
  }

  // What the Temporal UI shows.
  expect(handle.workflowId).toMatch(/^metalab\/[0-9a-f]+\/noops:1$/);
  const summaries = history.events!.flatMap(({ userMetadata }) => payloadsIn(userMetadata?.summary));
  expect(summaries).toContain('"plan noops:1"');
  expect(summaries).toContainEqual(expect.stringMatching(/^"runs 0 … \d+"$/));
  expect(summaries).toContain('"count what is recorded"');
  const description = await handle.describe();
  expect(description).toMatchObject({ type: 'experiment', status: { name: 'COMPLETED' } });
  expect(await description.staticSummary()).toBe('noops:1');
  expect(description.searchAttributes).toMatchObject({
    MetalabExperiment: ['noops:1'],
    MetalabStatus: ['completed'],
    MetalabTotal: [RUNS],
    MetalabDone: [RUNS],
    MetalabFailed: [0],
  });
  const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  expect(currentDetails).toContain('| total | reused | success | failed | cancelled | running | pending |');
  expect(currentDetails).toContain(`| ${RUNS} | 0 | ${RUNS} | 0 | 0 | 0 | 0 |`);
  expect(currentDetails).toMatch(/\| half \| 4999\.75 \|/);

  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const workflowBundle = { codePath: join(ROOT, 'dist', 'workflow-bundle.js') };
  await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
});

/** The texts of all payloads within a message. */
function payloadsIn(message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return [];
  if ('data' in message && message.data instanceof Uint8Array) return [Buffer.from(message.data).toString()];
  return Object.values(message).flatMap((value) => payloadsIn(value));
}
