import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { processStart } from '../../src/engine/process-start.mjs';
import { startWorker, useOwnWorkers } from '../support/engine.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { until } from '../support/until.js';

const env = await useOwnWorkers();

/** One run never gives its thread back, the other waits for ever for a process that it started. */
const BUSY = `
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { experiment, grid, operation, seeds } from 'metalab';
export const busy = operation(({ params, runtime }) => {
  writeFileSync(runtime.scratchDir + '/half-done', '');
  if (params.x === 0) {
    writeFileSync('blocked', String(process.pid));
    for (;;) {}
  }
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  writeFileSync('parent', process.pid + ' ' + child.pid);
  return new Promise(() => {});
});
export default experiment({ name: 'busy', version: '1', operation: busy, params: grid({ x: [0, 1] }), seeds: seeds({ base: 1 }) });`;

test('no slot outlives a killed worker, not even one whose thread is blocked, nor do processes that its run started', {
  timeout: 360_000,
}, async () => {
  const project = await projectWith({ 'busy.mjs': BUSY, 'tmp/here': '' });
  const worker = await startWorker(env);
  const submit = ['submit', 'busy.mjs', '--slots', '2', '--detach'];
  const { code, stderr } = await metalab(submit, {
    cwd: project.folder,
    env: { ...env, TMPDIR: project.path('tmp') },
  });
  expect(code, stderr).toBe(0);
  const pidsIn = (name: string) =>
    // The file is there a moment before its content.
    existsSync(project.path(name))
      ? readFileSync(project.path(name), 'utf8').split(' ').filter(Boolean).map(Number)
      : [];
  await until(() => pidsIn('blocked').length === 1 && pidsIn('parent').length === 2);
  const pids = [...pidsIn('blocked'), ...pidsIn('parent')];
  onTestFinished(() => {
    for (const pid of pids.filter(isUp)) process.kill(pid, 'SIGKILL');
  });
  expect(pids.filter(isUp)).toHaveLength(3);

  worker.kill('SIGKILL');
  await expect.poll(() => pids.filter(isUp), { timeout: 10_000 }).toEqual([]);

  // Of the blocked one, its scratch folder is removed by the next worker that starts a slot.
  expect(readdirSync(project.path('tmp')).length).toBeLessThanOrEqual(2);
  await startWorker(env);
  await expect
    .poll(() => pidsIn('blocked').some((pid) => !pids.includes(pid)), { timeout: 180_000 })
    .toBe(true);
  expect(readdirSync(project.path('tmp')).filter((name) => name.includes(String(worker.pid)))).toEqual([]);
});

const isUp = (pid: number) => processStart(pid) !== undefined;
