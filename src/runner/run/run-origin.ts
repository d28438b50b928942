import { AsyncLocalStorage } from 'node:async_hooks';
import type { Run } from './run.js';

/**
 * The run whose code is executing, even in a timer, an event or a promise that outlives the run. Measured in a slot: a
 * sync no-op takes 6.5 µs in all instead of 6.2, an async one 13.6 instead of 11.4, and an `await` 0.2 instead of 0.07.
 */
const origins = new AsyncLocalStorage<Run>();

/** Calls the operation so that all its callbacks are attributed to this run. */
export function callAsOrigin(run: Run, call: (run: Run) => unknown): unknown {
  return origins.run(run, call, run);
}

/**
 * @returns the ended run whose leftover code is calling. Undefined if the caller is the run in progress, the slot
 *   itself, or the user's modules at import
 */
export function endedOrigin(): Run | undefined {
  const run = origins.getStore();
  return run?.closed ? run : undefined;
}
