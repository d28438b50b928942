/** What a state of Slurm's means for a task's runs. */
export type Meaning =
  /** It is in the queue, or at work. */
  | 'pending'
  | 'running'
  /** It has ended, and says itself how: by its `ended` file, or by its exit code. */
  | 'ended'
  /** Taken away through no fault of its runs: they go round again. `node`: the node's fault. */
  | 'evicted'
  | 'node'
  | 'cancelled'
  | 'timeout'
  | 'memory'
  /** A word that this version does not know: decides nothing. */
  | 'unknown';

// squeue(1) and sacct(1), JOB STATE CODES. REQUEUED and the like are shown of a job that is on its way back into the queue.
const MEANINGS: { readonly [state: string]: Meaning } = {
  PENDING: 'pending',
  REQUEUED: 'pending',
  REQUEUE_FED: 'pending',
  REQUEUE_HOLD: 'pending',
  RESV_DEL_HOLD: 'pending',
  SPECIAL_EXIT: 'pending',
  CONFIGURING: 'running',
  RUNNING: 'running',
  COMPLETING: 'running',
  RESIZING: 'running',
  SIGNALING: 'running',
  STAGE_OUT: 'running',
  STOPPED: 'running',
  SUSPENDED: 'running',
  COMPLETED: 'ended',
  FAILED: 'ended',
  PREEMPTED: 'evicted',
  REVOKED: 'evicted',
  DEADLINE: 'evicted',
  NODE_FAIL: 'node',
  BOOT_FAIL: 'node',
  LAUNCH_FAILED: 'node',
  CANCELLED: 'cancelled',
  TIMEOUT: 'timeout',
  OUT_OF_MEMORY: 'memory',
};

/** @param state as Slurm words it: `CANCELLED by 1000`, `COMPLETED+` */
export const meaningOf = (state: string): Meaning => MEANINGS[/^[A-Z_]+/.exec(state)?.[0] ?? ''] ?? 'unknown';

/** Whether it tells that a task will do nothing more. */
export const isConclusive = (meaning: Meaning): boolean =>
  !['pending', 'running', 'unknown'].includes(meaning);
