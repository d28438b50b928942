import { expect, test } from 'vitest';
import { countedSweep, executionsIn, startWorker, useOwnWorkers } from '../support/engine.js';
import { workflowOf } from '../support/engine-status.js';
import { startMetalab } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { until } from '../support/until.js';

const RUNS = 40;

const env = await useOwnWorkers();

test('a worker that was stopped before its chunks came, then continued, leaves them to the worker that has taken them over', {
  timeout: 360_000,
}, async () => {
  await startWorker(env);
  const stopped = await startWorker(env);
  // The server gives the chunks to either worker: another sweep where this one got none.
  let project = await sweepBeside(stopped);
  for (let sweeps = 1; !(await hasSecondAttempt(project)); sweeps++) {
    expect(sweeps, 'the stopped worker never got a chunk').toBeLessThan(20);
    project = await sweepBeside(stopped);
  }

  // Its runs end when every slot has one: then the worker has dealt with what it received before.
  const next = await projectWith(countedSweep(4, 0, 'true'));
  const submit = startMetalab(['submit', 'counted.mjs'], { cwd: next.folder, env });
  await until(() => executionsIn(next).some(({ worker }) => worker === stopped.pid));
  await next.write({ go: '' });
  expect((await submit.finished).code).toBe(0);
  // One run of a chunk may have begun before the server has answered.
  expect(executionsIn(project).length).toBeLessThanOrEqual(RUNS + 2);
});

/** Submits a sweep while a worker is stopped, whose requests for work are with the server; then continues it. */
async function sweepBeside(stopped: Awaited<ReturnType<typeof startWorker>>): Promise<Project> {
  const project = await projectWith(countedSweep(RUNS, 150));
  stopped.kill('SIGSTOP');
  const submit = startMetalab(['submit', 'counted.mjs'], { cwd: project.folder, env });
  const { code, stderr } = await submit.finished;
  stopped.kill('SIGCONT');
  expect(code, stderr).toBe(0);
  return project;
}

async function hasSecondAttempt(project: Project): Promise<boolean> {
  const { events } = await (await workflowOf(project.store, 'counted:1', env)).fetchHistory();
  return events!.some(({ activityTaskStartedEventAttributes: started }) => (started?.attempt ?? 0) > 1);
}
