import type { Executor } from '../executor.js';
import { RangeExecution } from './execute-range.js';
import { SlotPool } from './slot-pool.js';

export interface LocalExecutorOptions {
  /** Path of the runner's bundle, `runner.mjs`. */
  readonly runner: string;
  /** How long a slot stays warm for its submission's next chunk. Milliseconds. */
  readonly idle_ms?: number;
  /** What records contain about the executor, beside host, executor and versions. */
  readonly provenance?: { readonly [key: string]: string | number };
}

/** Executes chunks in child processes of this one, as many concurrently as the caller requests. */
export function createLocalExecutor({
  runner,
  idle_ms = 5_000,
  provenance = {},
}: LocalExecutorOptions): Executor {
  const pool = new SlotPool({ runner, idleMs: idle_ms, provenance: { executor: 'local', ...provenance } });
  return {
    execute: (range, options) => new RangeExecution(range, pool, options).run(),
    release: (submission) => pool.release(submission),
    close: () => pool.close(),
  };
}
