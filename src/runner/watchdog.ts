import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Ends this process and what it started. */
export function killOwnGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    // It is not a group leader.
    process.kill(process.pid, 'SIGKILL');
  }
}

/**
 * Ends this process and what it started when its parent is gone, even while the main thread is blocked for ever. A
 * thread of a few lines: 10 ms at start, and 40 ms of another core.
 *
 * @param parent its process id
 * @returns resolves when it watches; rejects where it could not start, as in a folder that was removed
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
