import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Ends this process and the processes that it started. */
export function killOwnGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    // It is not a group leader.
    process.kill(process.pid, 'SIGKILL');
  }
}

/**
 * Ends this process and the processes that it started when its parent is gone, even if the main thread is blocked. It
 * is a thread of a few lines: it takes 10 ms at the start, and 40 ms of another core.
 *
 * @param parent its process id
 * @returns resolves when it watches; rejects if it could not start, as in a folder that was removed
 */
export function startWatchdog(parent: number): Promise<unknown> {
  const program = `
    const { workerData: parent } = require('node:worker_threads');
    setInterval(() => {
      if (process.ppid === parent) return;
      try { process.kill(-process.pid, 'SIGKILL'); } catch { process.kill(process.pid, 'SIGKILL'); }
    }, 500);`;
  const watchdog = new Worker(program, {
    eval: true,
    workerData: parent,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  watchdog.unref();
  return once(watchdog, 'online');
}
