// The program of a Slurm task: `node task.mjs ARRAYFOLDER`, bundled into one file beside the slots' runner.
import { uptime } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../../definition/errors.js';
import type { TaskEnd } from './array-spec.js';
import { EXIT, SAYS } from './exit-codes.js';
import { runTask } from './run-task.js';
import { taskIdentity } from './task-identity.js';

const { METALAB_TASK_UPTIME: began, ...env } = process.env;

try {
  const identity = taskIdentity(env);
  const { task, restart, job, node } = identity;
  console.log(`${SAYS}task ${task} of job ${job} on ${node}${restart > 0 ? `, restart ${restart}` : ''}`);
  const end = await runTask({
    array: resolve(process.argv[2] ?? '.'),
    identity,
    runner: fileURLToPath(new URL('./runner.mjs', import.meta.url)),
    started: began === undefined ? 0 : performance.now() - 1000 * Math.max(0, uptime() - Number(began)),
    env,
  });
  report(end);
  process.exitCode = end.fault ? EXIT.fault : 0;
} catch (error) {
  console.error(`${SAYS}${messageOf(error)}`);
  process.exitCode = EXIT.fault;
}

/** For people, in Slurm's own output of the task. */
function report({ how, fault, success, failed, cancelled, cut, elapsed_ms }: TaskEnd): void {
  const ended = cut.length > 0 ? `, ${cut.length} in progress when it had to end` : '';
  const counts = `${success} success, ${failed} failed, ${cancelled} cancelled${ended}`;
  console.log(`${SAYS}${how} after ${(elapsed_ms / 1000).toFixed(1)} s: ${counts}`);
  if (fault) console.error(`${SAYS}${fault.code}: ${fault.message}`);
}
