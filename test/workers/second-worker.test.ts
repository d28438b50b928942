import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { countedSweep, executionsIn, startWorker, useOwnWorkers } from '../support/engine.js';
import { resultsJson, type SubmitLine, startMetalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { until } from '../support/until.js';

const env = await useOwnWorkers();
/** More than the first worker does before the second one polls; the rest is quick once the file `go` is there. */
const RUNS = 1_000;

test('a worker that is started while a sweep runs takes its share, and hands back what it has not begun', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith(countedSweep(RUNS, "existsSync('go') ? 0 : 150"));
  const first = await startWorker(env);
  const submit = startMetalab(['submit', 'counted.mjs', '--json'], { cwd: project.folder, env });
  const slots = () => new Set(executionsIn(project).map(({ pid }) => pid));
  await until(() => executionsIn(project).length >= 10 && slots().size === 2);

  const second = await startWorker(env);
  const ofSecond = () => executionsIn(project).filter(({ worker }) => worker === second.pid).length;
  await until(() => ofSecond() >= 20);
  const told = performance.now();
  second.kill('SIGTERM');
  // A signal takes its time on a busy machine.
  await until(() => second.stderrSoFar().includes('stopping'));
  const begun = ofSecond();
  // Whoever supervises it may say so again.
  await sleep(20);
  second.kill('SIGTERM');
  expect((await second.finished).code).toBe(0);
  // Long before its grace of 30 s: it waits for the runs in progress only.
  expect(performance.now() - told).toBeLessThan(15_000);
  // The run that a slot begins while it is told, too; the rest of its chunks would be dozens.
  expect(ofSecond() - begun).toBeLessThanOrEqual(4);
  await project.write({ go: '' });

  const { code, stdout, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout.trim()) as SubmitLine).toMatchObject({ success: RUNS, executed: RUNS, failed: 0 });
  expect(executionsIn(project)).toHaveLength(RUNS);
  const records = await resultsJson('counted', project.store);
  const by = (pid: number) =>
    records.filter(({ provenance }) => workerOf(provenance).endsWith(`-${pid}`)).length;
  expect(by(second.pid)).toBe(ofSecond());
  expect(by(first.pid)).toBe(RUNS - ofSecond());
  first.kill('SIGTERM');
  expect((await first.finished).code).toBe(0);
});

const workerOf = (provenance: unknown) => (provenance as { readonly worker: string }).worker;
