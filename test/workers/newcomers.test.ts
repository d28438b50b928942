import { expect, test } from 'vitest';
import { countedSweep, executionsIn, startWorker, useOwnWorkers } from '../support/engine.js';
import { metalab, type SubmitLine, startMetalab } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';

const env = await useOwnWorkers();

const slotsIn = (project: Project) => new Set(executionsIn(project).map(({ pid }) => pid));

test('a worker that starts during long first runs gets runs before any of those has ended', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith(countedSweep(4, 0, 'true'));
  const workers = [await startWorker(env)];
  const submit = startMetalab(['submit', 'counted.mjs', '--json'], { cwd: project.folder, env });
  await until(() => executionsIn(project).length === 2);
  workers.push(await startWorker(env));
  await until(() => executionsIn(project).length === 4);
  expect(slotsIn(project).size).toBe(4);
  await project.write({ go: '' });
  const { code, stdout, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout) as SubmitLine).toMatchObject({ success: 4, executed: 4 });
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) expect((await worker.finished).code).toBe(0);
});

test('slots of a worker that was killed or stopped are no longer counted as running', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith(countedSweep(60, "existsSync('go') ? 0 : 2_000"));
  const [killed, ended, last] = [await startWorker(env), await startWorker(env), await startWorker(env)];
  const submit = startMetalab(['submit', 'counted.mjs', '--json'], { cwd: project.folder, env });
  await until(() => slotsIn(project).size === 6);
  killed.kill('SIGKILL');
  ended.kill('SIGTERM');
  expect((await ended.finished).code).toBe(0);
  const running = async () => {
    const { stdout } = await metalab(['status', 'counted', '--json'], { cwd: project.folder, env });
    return (JSON.parse(stdout) as { readonly running: number }).running;
  };
  // Its heartbeats are missed after 20 s; before, nobody can tell it from one that is slow.
  await until(async () => (await running()) <= 2);
  await project.write({ go: '' });
  const { code, stdout, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout) as SubmitLine).toMatchObject({ success: 60, failed: 0 });
  last.kill('SIGTERM');
  expect((await last.finished).code).toBe(0);
});

test('a long run leaves no slot idle while its workflow is to continue as new', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith(countedSweep(2_400, 100, 'params.x === 0'));
  const worker = await startWorker(env, ['--slots', '8']);
  const submit = startMetalab(['submit', 'counted.mjs', '--json'], {
    cwd: project.folder,
    // It is due after some 15 s, with less than half of the runs done.
    env: { ...env, METALAB_HISTORY_EVENTS: '200' },
  });
  await until(() => executionsIn(project).length >= 2_000);
  await project.write({ go: '' });
  const { code, stdout, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout) as SubmitLine).toMatchObject({ success: 2_400, executed: 2_400 });
  expect(executionsIn(project)).toHaveLength(2_400);
  worker.kill('SIGTERM');
  expect((await worker.finished).code).toBe(0);
});
