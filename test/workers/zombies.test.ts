import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { processStart } from '../../src/engine/process-start.mjs';
import { countedSweep, executionsIn, startWorker, useOwnWorkers } from '../support/engine.js';
import { resultsJson, type SubmitLine, startMetalab } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';
import { recordsIn } from '../support/records.js';
import { until } from '../support/until.js';

const RUNS = 120;

const environments = [await useOwnWorkers(), await useOwnWorkers()] as const;

// Both at once: most of it is waiting for timeouts.
test('a worker stopped past its heartbeat timeout, its ranges taken over, then continued, changes no final record', {
  timeout: 720_000,
}, async () => {
  await Promise.all([
    stopAndContinue(environments[0], { slotsToo: true }),
    stopAndContinue(environments[1], { slotsToo: false }),
  ]);
});

/** @param options.slotsToo whether its slots are stopped with it, or go on without it */
async function stopAndContinue(env: NodeJS.ProcessEnv, { slotsToo }: { readonly slotsToo: boolean }) {
  const project = await projectWith(countedSweep(RUNS, 150));
  const workers = [await startWorker(env), await startWorker(env)];
  const args = ['submit', 'counted.mjs', '--slots', '4', '--json'];
  const submit = startMetalab(args, { cwd: project.folder, env });
  await until(() => executionsIn(project).length >= 10);
  const zombie = parentOf(executionsIn(project)[0]!.pid);
  expect(workers.map(({ pid }) => pid)).toContain(zombie);
  const slots = [...new Set(executionsIn(project).map(({ pid }) => pid))];
  const stopped = [zombie, ...(slotsToo ? slots.filter((pid) => parentOf(pid) === zombie) : [])];
  onTestFinished(() => stopped.forEach(goOn));
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  const { code, stdout, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  const counts = { total: RUNS, success: RUNS, failed: 0 };
  expect(JSON.parse(stdout.trim()) as SubmitLine).toMatchObject(counts);
  const before = await resultsJson('counted', project.store);
  const outcome = readOutcome(project);

  stopped.forEach(goOn);
  // Its slots finish the runs that they were stopped in, and it reports chunks that are no longer its own.
  if (slotsToo) await until(() => recordsIn(project.store, 'counted:1').length > RUNS);
  await sleep(2_000);

  expect(await resultsJson('counted', project.store)).toEqual(before);
  expect(readOutcome(project)).toBe(outcome);
  const records = recordsIn(project.store, 'counted:1');
  expect(new Set(records.map(({ status }) => status))).toEqual(new Set(['success']));
  expect(new Set(records.map(({ run_id }) => run_id)).size).toBe(RUNS);
  // Nothing but the runs in progress was done twice.
  const executions = executionsIn(project);
  const twice = executions.filter(({ x }, i) => executions.findIndex((other) => other.x === x) < i);
  expect(twice.length, JSON.stringify({ slotsToo, zombie, slots, twice })).toBeLessThanOrEqual(2);
  expect(readdirSync(project.store, { recursive: true }).map(String)).not.toContainEqual(
    expect.stringMatching(/\/live|env\.json|\.tmp/),
  );

  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) {
    const { code, signal, stderr } = await worker.finished;
    expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
  }
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function goOn(pid: number): void {
  if (processStart(pid) !== undefined) process.kill(pid, 'SIGCONT');
}

function readOutcome(project: Project): string {
  const submissions = join(project.store, 'counted@1', 'submissions');
  return readFileSync(join(submissions, readdirSync(submissions)[0]!, 'outcome.json'), 'utf8');
}
