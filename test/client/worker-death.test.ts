import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { killEngine, workflowOf } from '../support/engine-status.js';
import { metalab, resultsJson, type SubmitLine, startMetalab } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { recordsIn } from '../support/records.js';
import { apart, onPostgres } from '../support/test-server.js';
import { until, untilSaid } from '../support/until.js';

const home = mkdtempSync(join(tmpdir(), 'metalab-death-'));
const env: NodeJS.ProcessEnv = await apart(home);

afterAll(async () => {
  await metalab(['engine', 'stop'], { env });
  rmSync(home, { recursive: true, force: true });
});

/**
 * A sweep that notes every execution in a file, and whose runs take so long; from x = `held` on they wait for
 * the file `go` first: what is done to the sweep comes before its end on a slow machine, too.
 */
const sweep = (runs: number, milliseconds: number, held = runs) => ({
  'slow.mjs': `
    import { appendFileSync, existsSync } from 'node:fs';
    import { experiment, grid, operation, seeds } from 'metalab';
    export const slow = operation(async ({ params, capture }) => {
      appendFileSync('executions', params.x + '\\n');
      while (params.x >= ${held} && !existsSync('go')) await new Promise((done) => setTimeout(done, 20));
      await new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
      capture.metric('y', 2 * params.x);
    });
    export default experiment({
      name: 'slow', version: '1', operation: slow,
      params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
    });`,
});

const letGo = (project: Project) => writeFileSync(project.path('go'), '');

const executionsIn = (project: Project) =>
  existsSync(project.path('executions'))
    ? readFileSync(project.path('executions'), 'utf8').trim().split('\n').length
    : 0;

describe('a worker that is asked to stop', () => {
  it('hands back the runs that outlast its grace period: another worker executes them, and none fails', async () => {
    const project = await projectWith(sweep(2, 15_000));
    const first = startMetalab(['worker', '--slots', '2', '--grace', '1s'], { env });
    await untilSaid(first, 'polls');
    const submit = startMetalab(['submit', 'slow.mjs', '--json'], { cwd: project.folder, env });
    await until(() => executionsIn(project) === 2);

    const told = performance.now();
    first.kill('SIGTERM');
    expect((await first.finished).code).toBe(0);
    expect(performance.now() - told).toBeLessThan(13_000);

    const { stdout, code } = await submit.finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout.trim()) as SubmitLine).toMatchObject({ success: 2, failed: 0 });
    expect(executionsIn(project)).toBe(4);
  }, 360_000);
});

describe('a followed sweep', () => {
  // A server that metalab did not start it does not replace either: test/server/ has its end.
  it.skipIf(onPostgres)(
    'survives a kill -9 of the worker and of the server: both are replaced, no run is failed or lost',
    async () => {
      const RUNS = 40;
      const project = await projectWith(sweep(RUNS, 300, 8));
      const executions = () => executionsIn(project);
      const submit = startMetalab(['submit', 'slow.mjs', '--slots', '2', '--json'], {
        cwd: project.folder,
        env,
      });
      await until(() => executions() >= 6);

      await killEngine(env);
      letGo(project);

      const { code, stdout: out, stderr } = await submit.finished;
      expect(stderr).toContain('starting a Temporal server');
      expect(code, stderr).toBe(0);
      expect(JSON.parse(out.trim()) as SubmitLine).toMatchObject({
        total: RUNS,
        success: RUNS,
        failed: 0,
        executed: RUNS,
      });
      expect(executions() - RUNS).toBeLessThanOrEqual(2);
      const records = await resultsJson('slow', project.store);
      expect(records.map(({ metrics }) => (metrics as { y: number }).y).sort((a, b) => a - b)).toEqual(
        Array.from({ length: RUNS }, (_, x) => 2 * x),
      );
    },
    120_000,
  );

  it('exits with the reason when its workflow is terminated; the next submit reuses the recorded runs', async () => {
    const RUNS = 24;
    const project = await projectWith(sweep(RUNS, 300, 8));
    const submit = startMetalab(['submit', 'slow.mjs', '--slots', '2', '--json'], {
      cwd: project.folder,
      env,
    });
    await until(() => executionsIn(project) >= 6);

    await (await workflowOf(project.store, 'slow:1', env)).terminate('by mistake');
    letGo(project);

    const followed = await submit.finished;
    expect(followed.code).toBe(1);
    expect(followed.stderr).toMatch(/somebody terminated its workflow\n {2}next: submit again/);
    const { stdout: out } = await metalab(['submit', 'slow.mjs', '--json'], { cwd: project.folder, env });
    const outcome = JSON.parse(out.trim()) as SubmitLine;
    expect(outcome).toMatchObject({ total: RUNS, success: RUNS, failed: 0 });
    expect(outcome.reused).toBeGreaterThan(0);
    expect(executionsIn(project) - RUNS).toBeLessThanOrEqual(4);
  }, 360_000);

  it('that is submitted again right after its workflow was cancelled is executed by the next workflow', async () => {
    const project = await projectWith(sweep(30, 300, 4));
    await metalab(['submit', 'slow.mjs', '--detach'], { cwd: project.folder, env });
    await until(() => executionsIn(project) >= 2);
    await (await workflowOf(project.store, 'slow:1', env)).cancel();
    letGo(project);
    const { code, stdout, stderr } = await metalab(['submit', 'slow.mjs', '--json'], {
      cwd: project.folder,
      env,
    });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout.trim())).toMatchObject({ total: 30, success: 30, failed: 0, cancelled: 0 });
  }, 360_000);

  it('ends with an outcome when its workflow is cancelled, and so does the queued submission', async () => {
    const project = await projectWith(sweep(120, 300, 4));
    const submit = startMetalab(['submit', 'slow.mjs', '--json'], { cwd: project.folder, env });
    await until(() => executionsIn(project) >= 2);
    await project.write(sweep(130, 300, 4));
    const behind = startMetalab(['submit', 'slow.mjs', '--json'], { cwd: project.folder, env });
    const status = async () => {
      const { stdout } = await metalab(['status', 'slow', '--json'], { cwd: project.folder, env });
      return JSON.parse(stdout) as { state: string; reason: string; success: number; pending: number };
    };
    await vi.waitFor(async () => expect(await status()).toMatchObject({ state: 'running', queued: 1 }), {
      timeout: 60_000,
      interval: 500,
    });

    await (await workflowOf(project.store, 'slow:1', env)).cancel();
    letGo(project);
    for (const { finished } of [submit, behind]) expect((await finished).code).toBe(1);
    const after = await status();
    expect(after).toMatchObject({ state: 'cancelled', reason: 'the workflow was cancelled', total: 130 });
    // What the one before it had recorded would have been reused.
    expect(after.success).toBe(
      recordsIn(project.store, 'slow:1').filter(({ status }) => status === 'success').length,
    );
    expect(after.success + after.pending).toBe(130);
    const left = readdirSync(join(project.store, 'slow@1'), { recursive: true }).map(String);
    expect(left.filter((path) => path.endsWith('env.json') || path.includes('live'))).toEqual([]);
  }, 360_000);
});
