import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { SubmissionOutcome } from '../../src/index.js';
import { runForLines, scriptsWith } from '../client/script.js';
import { metalab, resultsJson, type SubmitLine, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { startTemporalOnPostgres, type TemporalOnPostgres } from '../support/temporal-on-postgres/start.mjs';

let rig: TemporalOnPostgres;
let worker: ReturnType<typeof startMetalab>;
const home = mkdtempSync(join(tmpdir(), 'metalab-postgres-'));
const env: NodeJS.ProcessEnv = { METALAB_HOME: home };

/** One server and one worker, started by hand, as where both are services of some other machine. */
beforeAll(async () => {
  rig = await startTemporalOnPostgres();
  env.TEMPORAL_ADDRESS = rig.address;
  worker = startMetalab(['worker', '--slots', '2'], { env });
  await vi.waitFor(() => expect(worker.stderrSoFar()).toContain('polls'), 30_000);
});

afterAll(async () => {
  worker.kill('SIGTERM');
  const { code } = await worker.finished;
  await metalab(['engine', 'stop'], { env });
  await rig.stop();
  rmSync(home, { recursive: true, force: true });
  expect(code).toBe(0);
});

/** Notes every execution, and takes so long. */
const sweep = (runs: number, milliseconds: number) => ({
  'operation.mjs': `
    import { appendFileSync } from 'node:fs';
    import { operation } from 'metalab';
    export const slow = operation(async ({ params, capture }) => {
      appendFileSync('executions', params.x + '\\n');
      await new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
      capture.metric('y', 2 * params.x);
    });`,
  'sweep.mjs': `
    import { experiment, grid, seeds } from 'metalab';
    import { slow } from './operation.mjs';
    export default experiment({
      name: 'sweep', version: '1', operation: slow,
      params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
    });`,
});

const executionsIn = (project: Project) =>
  existsSync(project.path('executions'))
    ? readFileSync(project.path('executions'), 'utf8').trim().split('\n').map(Number)
    : [];

const inProgress = (project: Project) =>
  vi.waitFor(() => expect(executionsIn(project).length).toBeGreaterThan(8), {
    timeout: 90_000,
    interval: 20,
  });

async function workflows() {
  const connection = await Connection.connect({ address: rig.address });
  onTestFinished(() => connection.close());
  return new Client({ connection }).workflow;
}

const inOrder = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

async function expectOneRecordEach(project: Project, runs: number) {
  const records = await resultsJson('sweep', project.store);
  const values = records.map(({ metrics }) => (metrics as { y: number }).y);
  expect(inOrder(values)).toEqual(upTo(runs).map((x) => 2 * x));
}

test('the first submissions to a server are done by the worker started by hand, and can be found and read in the UI', async () => {
  const project = await projectWith({
    ...sweep(40, 0),
    'other.mjs': `
      import { experiment } from 'metalab';
      import sweep from './sweep.mjs';
      export default experiment({ ...sweep, name: 'other' });
      export { slow } from './operation.mjs';`,
  });
  // At once: while one makes the search attributes, another finds some of the server's services without them.
  const submit = (file: string) => submitJson([file], { cwd: project.folder, env });
  const [{ outcome, stderr }, other] = await Promise.all([submit('sweep.mjs'), submit('other.mjs')]);
  for (const submitted of [{ outcome, stderr }, other])
    expect(submitted.outcome, submitted.stderr).toMatchObject({ total: 40, executed: 40, success: 40 });
  expect(stderr).not.toContain('starting');

  const client = await workflows();
  const description = await client.getHandle(outcome!.workflow_id).describe();
  expect(await description.staticSummary()).toBe('sweep:1');
  expect(await description.staticDetails()).toBe(`store: ${outcome!.store}`);
  // The workflow says so a moment after the outcome is in the store; what lists are made of follows later.
  const query = 'MetalabExperiment = "sweep:1" AND MetalabDone = 40 AND MetalabStatus = "completed"';
  await vi.waitFor(async () => expect(await client.count(query)).toMatchObject({ count: 1 }), 20_000);
});

test('when many clients submit at the same instant, no request is lost and nothing is executed twice', async () => {
  const SUBMITS = 24;
  const project = await scriptsWith({
    ...sweep(1, 0),
    'race.mjs': `
      import { connect, experiment, grid, seeds } from 'metalab';
      import { slow } from './operation.mjs';
      const labs = await Promise.all(Array.from({ length: 8 }, () => connect()));
      // Each definition comes twice: the second joins the first, or finds everything done.
      const outcomes = await Promise.all(Array.from({ length: ${SUBMITS} }, async (_, i) => {
        const exp = experiment({
          name: 'sweep', version: '1', operation: slow, params: grid({ x: [i >> 1] }), seeds: seeds({ base: 1 }),
        });
        return (await labs[i % 8].submit(exp, { store: 'experiments' })).outcome();
      }));
      for (const outcome of outcomes) console.log(JSON.stringify(outcome));
      await Promise.all(labs.map((lab) => lab.close()));`,
  });
  const outcomes = await runForLines<SubmissionOutcome>(project, 'race.mjs', env);
  expect(outcomes).toHaveLength(SUBMITS);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ state: 'completed', total: 1, success: 1 });
  expect(inOrder(executionsIn(project))).toEqual(upTo(SUBMITS / 2));
  expect(await resultsJson('sweep', project.store, ['--all'])).toHaveLength(SUBMITS / 2);
});

const RUNS = 80;
const OUTAGES = {
  'the Temporal server': async (submit: ReturnType<typeof startMetalab>) => {
    const says = (line: string) =>
      vi.waitFor(() => expect(submit.stderrSoFar()).toContain(line), { timeout: 90_000, interval: 50 });
    await rig.kill();
    await says(`the Temporal server at ${rig.address} does not answer: waiting for it`);
    await rig.restart();
    await says(`the Temporal server at ${rig.address} answers again`);
  },
  PostgreSQL: async () => {
    await rig.postgres.kill();
    await rig.postgres.restart();
  },
};

/** Long enough that who follows still asks for the server, every few seconds, when it has been restarted. */
const RUN_MS = 500;

test.each(Object.entries(OUTAGES))(
  'kill -9 of %s in the middle of a followed sweep, and its restart, lose nothing and do nothing twice',
  async (_, outage) => {
    const project = await projectWith(sweep(RUNS, RUN_MS));
    const submit = startMetalab(['submit', 'sweep.mjs', '--json'], { cwd: project.folder, env });
    await inProgress(project);
    await outage(submit);

    const { code, stdout, stderr } = await submit.finished;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout) as SubmitLine).toMatchObject({ total: RUNS, executed: RUNS, success: RUNS });
    expect(inOrder(executionsIn(project))).toEqual(upTo(RUNS));
    await expectOneRecordEach(project, RUNS);
  },
);

test('a cancel in Temporal ends the sweep with an outcome, and the next submit executes the rest', async () => {
  const project = await projectWith(sweep(RUNS, 200));
  const submit = startMetalab(['submit', 'sweep.mjs', '--json'], { cwd: project.folder, env });
  await inProgress(project);
  const { id } = JSON.parse(readFileSync(join(project.store, 'store.json'), 'utf8')) as { id: string };
  await (await workflows()).getHandle(`metalab/${id}/sweep:1`).cancel();
  const cancelled = await submit.finished;
  expect(cancelled.code).toBe(1);
  expect((JSON.parse(cancelled.stdout) as SubmitLine).success).toBeLessThan(RUNS);

  const { outcome } = await submitJson(['sweep.mjs'], { cwd: project.folder, env });
  expect(outcome).toMatchObject({ total: RUNS, success: RUNS, failed: 0, cancelled: 0 });
  expect(outcome!.reused).toBeGreaterThan(0);
  await expectOneRecordEach(project, RUNS);
});

test('a submit while the server is down says where it looked; the worker outlives the outage', async () => {
  const project = await projectWith(sweep(2, 0));
  await rig.kill();
  const refused = await submitJson(['sweep.mjs'], { cwd: project.folder, env });
  expect(refused.code).toBe(3);
  expect(refused.stderr).toMatch(new RegExp(`no Temporal server could be reached at ${rig.address}`));
  expect(refused.stderr).toContain('TEMPORAL_ADDRESS');
  await rig.restart();
  const { outcome, stderr } = await submitJson(['sweep.mjs'], { cwd: project.folder, env });
  expect(outcome, stderr).toMatchObject({ success: 2 });
  expect(worker.exitCode).toBeNull();
});
