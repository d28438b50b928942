import { expect, test } from 'vitest';
import { countedSweep, executionsIn, startWorker, useOwnWorkers } from '../support/engine.js';
import { workflowOf } from '../support/engine-status.js';
import { startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { until } from '../support/until.js';

const RUNS = 40;

const env = await useOwnWorkers();

test('a worker that was stopped before its chunks came, then continued, leaves them to who has taken them over', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith(countedSweep(RUNS, 150));
  await startWorker(env);
  const stopped = await startWorker(env);
  // Its requests for work are with the server, which answers them.
  stopped.kill('SIGSTOP');
  const submit = startMetalab(['submit', 'counted.mjs'], { cwd: project.folder, env });
  const { code, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  const { events } = await (await workflowOf(project.store, 'counted:1', env)).fetchHistory();
  const attempts = events!.map(({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? 0);
  expect(Math.max(...attempts), 'the stopped worker got no chunk').toBeGreaterThan(1);

  stopped.kill('SIGCONT');
  const next = await projectWith(countedSweep(8, 150));
  const follow = await startMetalab(['submit', 'counted.mjs'], { cwd: next.folder, env }).finished;
  expect(follow.code, follow.stderr).toBe(0);
  await until(() => executionsIn(next).some(({ worker }) => worker === stopped.pid));
  // One run of a chunk may have begun before the server has answered.
  expect(executionsIn(project).length).toBeLessThanOrEqual(RUNS + 2);
});
