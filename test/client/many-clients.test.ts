import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SubmissionOutcome } from '../../src/index.js';
import { temporalClient, workflowId } from '../support/engine-status.js';
import type { Project } from '../support/project.js';
import { runForLines, scriptsWith } from './script.js';

/** Notes every execution, by one append. */
const OPERATION = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { experiment, grid, operation, seeds } from 'metalab';
export const work = operation(async ({ params, capture }) => {
  appendFileSync('executions', params.x + '\\n');
  await sleep(params.ms);
  capture.metric('y', 2 * params.x);
});
export const over = (from, to, ms) => experiment({
  name: 'crowd', version: '1', operation: work, seeds: seeds({ base: 1 }),
  params: grid({ ms: [ms], x: Array.from({ length: to - from }, (_, i) => from + i) }),
});`;

const executions = (project: Project) =>
  readFileSync(project.path('executions'), 'utf8').trim().split('\n').map(Number);
const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

async function runsOfWorkflow(project: Project) {
  const client = await temporalClient();
  const runs = [];
  for await (const { runId, status, historyLength } of client.workflow.list({
    query: `WorkflowId = '${workflowId(project.store, 'crowd:1')}'`,
  }))
    runs.push({ runId, status: status.name, events: historyLength });
  return runs;
}

test('when many clients submit while the workflow ends, no request is lost and nothing is executed twice', {
  timeout: 360_000,
}, async () => {
  const CLIENTS = 40;
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    // Overlapping parts of 0 … 139. The earliest come together, the others in between the ends of those before them.
    'main.mjs': `
      import { setTimeout as sleep } from 'node:timers/promises';
      import { connect } from 'metalab';
      import { over } from './operation.mjs';
      const labs = await Promise.all(Array.from({ length: 4 }, () => connect()));
      const outcomes = await Promise.all(Array.from({ length: ${CLIENTS} }, async (_, i) => {
        if (i >= 10) await sleep(i * 90);
        const handle = await labs[i % 4].submit(over((i % 13) * 10, (i % 13) * 10 + 20, 1), { store: 'experiments' });
        return handle.outcome();
      }));
      console.log(JSON.stringify(outcomes));
      for (const lab of labs) await lab.close();`,
  });
  const [outcomes] = await runForLines<SubmissionOutcome[]>(project, 'main.mjs');
  expect(outcomes).toHaveLength(CLIENTS);
  for (const outcome of outcomes!)
    expect(outcome).toMatchObject({ state: 'completed', total: 20, success: 20, missing: 0 });
  expect(sorted(executions(project))).toEqual(Array.from({ length: 140 }, (_, x) => x));
});

test('when clients submit, pause and resume while the workflow continues as new, no request is lost and nothing is executed twice', {
  timeout: 360_000,
}, async () => {
  const RUNS = 120;
  const project = await scriptsWith({
    'operation.mjs': OPERATION,
    'main.mjs': `
      import { setTimeout as sleep } from 'node:timers/promises';
      import { connect } from 'metalab';
      import { over } from './operation.mjs';
      process.env.METALAB_HISTORY_EVENTS = '60';
      const lab = await connect();
      const options = { store: 'experiments', slots: 6 };
      const first = await lab.submit(over(0, ${RUNS}, 250), options);
      let ended = false;
      const outcomes = [first.outcome().finally(() => { ended = true; })];
      const refused = new Set();
      async function disturb() {
        while (!ended) {
          for (const ask of [() => first.pause(), () => first.resume()])
            await ask().catch((error) => refused.add(error.code));
          await sleep(150);
        }
      }
      async function crowd() {
        for (let i = 0; !ended && i < 12; i++) {
          // The same as the first: joins it. Or a part of it, and more: waits behind it.
          const exp = i % 2 === 0 ? over(0, ${RUNS}, 250) : over(${RUNS} - 5, ${RUNS} + i, 250);
          outcomes.push((await lab.submit(exp, options)).outcome());
          await sleep(200);
        }
      }
      await Promise.all([disturb(), crowd()]);
      console.log(JSON.stringify(await Promise.all(outcomes)));
      console.log(JSON.stringify([...refused]));
      await lab.close();`,
  });
  const [outcomes, refused] = await runForLines<unknown>(project, 'main.mjs');
  for (const outcome of outcomes as SubmissionOutcome[])
    expect(outcome).toMatchObject({ state: 'completed', missing: 0, failed: 0, cancelled: 0 });
  expect((outcomes as SubmissionOutcome[])[0]).toMatchObject({ total: RUNS, success: RUNS });
  const all = executions(project);
  expect(sorted(all)).toEqual(Array.from({ length: Math.max(...all) + 1 }, (_, x) => x));
  // Only what the sweep's end makes true: nothing was in progress any more.
  expect(['METALAB_NOT_RUNNING', 'METALAB_REFUSED']).toEqual(expect.arrayContaining(refused as string[]));

  const runs = await runsOfWorkflow(project);
  expect(runs.filter(({ status }) => status === 'CONTINUED_AS_NEW').length).toBeGreaterThan(2);
  for (const { events } of runs) expect(events).toBeLessThan(600);
});
