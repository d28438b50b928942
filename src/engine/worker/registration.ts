import { type Environment, stateFolder } from '../../access/own-folders.js';
import { identify, readWorkers, removeWorker, type WorkerState, writeWorker } from '../state.js';
import { makeStateFolder } from '../state-folder.js';

/** A worker process's description of itself. */
export type WorkerDescription = Pick<
  WorkerState,
  'address' | 'namespace' | 'task_queue' | 'build' | 'slots' | 'background' | 'grace_ms'
>;

/** Set for a background worker by the process that starts it. */
export const LOG_VARIABLE = 'METALAB_WORKER_LOG';

/** Called by a worker process once it actually polls: `ensureWorker` waits for this. */
export function registerWorker(description: WorkerDescription, env: Environment = process.env): WorkerState {
  const state = { ...identify(process.pid), log_file: env[LOG_VARIABLE] ?? null, ...description };
  writeWorker(makeStateFolder(env), state);
  return state;
}

/** Called by a worker process when it has stopped. */
export function unregisterWorker(env: Environment = process.env): void {
  const own = readWorkers(stateFolder(env)).find((state) => state.pid === process.pid);
  if (own) removeWorker(stateFolder(env), own);
}
