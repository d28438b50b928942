import { processStart } from '../../src/engine/process-start.mjs';
import { until } from './until.js';

/** Kills processes, and waits until they have ended: one that is just ending still looks alive. */
export async function kill(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until(() => pids.every((pid) => processStart(pid) === undefined));
}
