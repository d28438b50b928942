import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { startWorker, useOwnEngine } from '../support/engine.js';
import { engineStatus, killWorkers, serverAddress, workflowOf } from '../support/engine-status.js';
import { metalab, type SubmitLine, startMetalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';

/** Only its server is used, as one of the user's own. */
const server = useOwnEngine();
let address: string;

beforeAll(async () => {
  const started = await metalab(['engine', 'start'], { env: server });
  expect(started.code, started.stderr).toBe(0);
  address = await serverAddress(server);
});

const TRUSTING = { METALAB_TRUST_SERVER: '1' };

/** Somebody with a key of his own, at the same server. */
function someone(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = {
    METALAB_HOME: mkdtempSync(join(tmpdir(), 'metalab-someone-')),
    TEMPORAL_ADDRESS: address,
    ...more,
  };
  onTestFinished(async () => {
    await metalab(['engine', 'stop'], { env });
    rmSync(env.METALAB_HOME, { recursive: true, force: true });
  });
  return env;
}

/** Runs that note which worker's slot executes them, and then wait for the file `go`. */
const sweep = (runs: number) => ({
  'sweep.mjs': `
    import { appendFileSync, existsSync } from 'node:fs';
    import { experiment, grid, operation, seeds } from 'metalab';
    export const work = operation(async ({ params, capture }) => {
      appendFileSync('workers', process.ppid + '\\n');
      do await new Promise((resolve) => setTimeout(resolve, 20)); while (!existsSync('go'));
      capture.metric('y', params.x);
    });
    export default experiment({
      name: 'sweep', version: '1', operation: work,
      params: grid({ x: Array.from({ length: ${runs} }, (_, x) => x) }), seeds: seeds({ base: 1 }),
    });`,
});

const workersIn = (project: Project): number[] =>
  existsSync(project.path('workers'))
    ? readFileSync(project.path('workers'), 'utf8').split('\n').filter(Boolean).map(Number)
    : [];

const keyIn = ({ METALAB_HOME }: NodeJS.ProcessEnv) => readFileSync(join(METALAB_HOME!, 'key'), 'utf8');

test('with METALAB_TRUST_SERVER, a worker with another key takes part in a sweep', async () => {
  const [submitter, other] = [someone(TRUSTING), someone(TRUSTING)];
  const worker = await startWorker(other);
  const project = await projectWith(sweep(40));
  const submit = startMetalab(['submit', 'sweep.mjs', '--json'], { cwd: project.folder, env: submitter });
  // Runs end only once both have one.
  await until(() => new Set(workersIn(project)).size === 2);
  writeFileSync(project.path('go'), '');

  const { code, stdout, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout) as SubmitLine).toMatchObject({ total: 40, executed: 40, success: 40 });
  expect(workersIn(project)).toHaveLength(40);
  expect(workersIn(project)).toContain(worker.pid);
  expect(keyIn(submitter)).not.toBe(keyIn(other));
}, 360_000);

test('with METALAB_TRUST_SERVER, that worker executes a sweep whose submitter has no worker', async () => {
  const [submitter, other] = [someone(TRUSTING), someone(TRUSTING)];
  const project = await projectWith(sweep(40));
  const options = { cwd: project.folder, env: submitter };
  await metalab(['submit', 'sweep.mjs', '--slots', '1', '--detach'], options);
  await until(() => workersIn(project).length === 1);
  const [own] = workersIn(project);
  await metalab(['pause', 'sweep'], options);
  writeFileSync(project.path('go'), '');
  await metalab(['attach', 'sweep'], options);
  const stopped = await metalab(['engine', 'stop'], options);
  expect(stopped.code, stopped.stderr).toBe(0);
  const before = workersIn(project).length;
  expect(before).toBeLessThan(40);

  const worker = await startWorker(other);
  // Signed with the submitter's key, too.
  const resumed = await metalab(['resume', 'sweep'], options);
  expect(resumed.code, resumed.stderr).toBe(0);
  const attached = await metalab(['attach', 'sweep', '--json'], options);
  expect(attached.code, attached.stderr).toBe(0);
  expect(JSON.parse(attached.stdout) as SubmitLine).toMatchObject({ total: 40, executed: 40, success: 40 });
  expect(new Set(workersIn(project).slice(0, before))).toEqual(new Set([own]));
  expect(new Set(workersIn(project).slice(before))).toEqual(new Set([worker.pid]));
}, 360_000);

test('without METALAB_TRUST_SERVER, a worker with another key executes nothing', async () => {
  const [submitter, other] = [someone({}), someone({})];
  const worker = await startWorker(other);
  const project = await projectWith({ ...sweep(300), go: '' });
  const args = ['submit', 'sweep.mjs', '--slots', '1', '--json'];
  const { code, stdout, stderr } = await metalab(args, { cwd: project.folder, env: submitter });
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout) as SubmitLine).toMatchObject({ total: 300, executed: 300, success: 300 });
  expect(new Set(workersIn(project)).size).toBe(1);
  expect(workersIn(project)).not.toContain(worker.pid);
}, 360_000);

test('a followed sweep whose key was removed ends with an error, and starts no workers with another', async () => {
  const env = someone({});
  const project = await projectWith(sweep(2));
  const submitting = startMetalab(['submit', 'sweep.mjs'], { cwd: project.folder, env });
  await until(() => workersIn(project).length > 0);
  rmSync(join(env.METALAB_HOME!, 'key'));
  await killWorkers(env);
  const { code, stderr } = await submitting.finished;
  expect(stderr).toContain('the key that signs requests was removed or replaced after this command started');
  expect(code).toBe(3);
  expect((await engineStatus(env)).workers).toEqual([]);
  await project.write({ go: '' });
  const refused = await submitJson(['sweep.mjs'], { cwd: project.folder, env });
  expect(refused.stderr).toContain('temporal workflow terminate');
  await (await workflowOf(project.store, 'sweep:1', env)).terminate();
  const again = await submitJson(['sweep.mjs'], { cwd: project.folder, env });
  expect(again.outcome, again.stderr).toMatchObject({ total: 2, success: 2 });
});
