/** What a Slurm state means for a task's runs. */
export type Meaning =
  /** It is pending or running. */
  | 'pending'
  | 'running'
  /** It has ended, and reports how by itself: by its `ended` file, or by its exit code. */
  | 'ended'
  /** Evicted through no fault of its runs, which are done in another round. `node`: the node's fault. */
  | 'evicted'
  | 'node'
  | 'cancelled'
  | 'timeout'
  | 'memory'
  /** A state that this version does not know: decides nothing. */
  | 'unknown';

// squeue(1) and sacct(1), JOB STATE CODES. REQUEUED and the like are shown for a job that is returning to the queue.
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

/** @param state as Slurm prints it: `CANCELLED by 1000`, `COMPLETED+` */
export const meaningOf = (state: string): Meaning => MEANINGS[/^[A-Z_]+/.exec(state)?.[0] ?? ''] ?? 'unknown';

/** Whether it means that a task will do nothing more. */
export const isConclusive = (meaning: Meaning): boolean =>
  !['pending', 'running', 'unknown'].includes(meaning);
