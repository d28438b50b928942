import type { Escalation } from '../../../config/resolved-config.js';
import type { ErrorDescription } from '../../../definition/errors.js';
import { formatBytes } from '../../../definition/format-bytes.js';
import type { TaskStatus } from '../queue/watched-job.js';
import type { TaskEnd, TaskLive, TaskRun } from '../task/array-spec.js';
import { EXIT } from '../task/exit-codes.js';

/** The share of a task's time that a run must have had for the time limit to count as its own. */
const WHOLE_TIME = 0.8;

/**
 * A run is no evidence if its task last reported it before this share of the time: the task could no longer write its
 * live file.
 */
const MIN_TOLD = 0.5;
const TOLD_SLACK_MS = 10_000;

/** Everything known of a task that has ended. */
export interface TaskEvidence {
  /** The scheduler's state; undefined if the task's own report was enough, or if nobody knows it any more. */
  readonly status: TaskStatus | undefined;
  /** The last incarnation's end and live file, with only those of its runs that have no record. */
  readonly end: TaskEnd | undefined;
  readonly live: TaskLive | undefined;
  /** How many positions it held that nobody has done, and the ones that its slots would begin with, one each. */
  readonly missing: number;
  readonly first: readonly number[];
}

/** Resources of the array's tasks. */
export interface TaskLimits {
  readonly slots: number;
  readonly time_s: number | null;
  readonly memory_bytes: number | null;
  readonly escalate: Escalation | undefined;
  /** How often they were increased already. */
  readonly escalated: { readonly memory: number; readonly time: number };
}

/** What happens to the positions that a task left. They are done in another round, except the `lost` runs. */
export interface FailureClass {
  readonly lost: readonly { readonly run: TaskRun; readonly error: ErrorDescription }[];
  /** What later tasks get more of. */
  readonly grow?: 'time' | 'memory';
  /** Positions one of which has ended the whole task: each is retried in a task of its own before it is failed. */
  readonly alone?: readonly number[];
  /** The scheduler evicted the task: this does not count as a round in which nothing was done. */
  readonly evicted?: true;
  /** The node on which the task failed through no fault of its runs. */
  readonly failedNode?: string;
  /** The task ended before it could start runs, or by a fault of the executor. */
  readonly fault?: { readonly code: string; readonly message: string };
}

/**
 * A task's earlier incarnation reported only about its own runs. A requeued task without reports of its own has died
 * before it could start any run.
 *
 * @param restart the number of the last incarnation that began
 */
export const ofIncarnation = ({ end, live, ...known }: TaskEvidence, restart: number): TaskEvidence => ({
  ...known,
  end: end && end.restart >= restart ? end : undefined,
  live: live && live.restart >= restart ? live : undefined,
});

const isFull = (code: string) => code === 'ENOSPC' || code === 'EDQUOT';

const LEFT: FailureClass = { lost: [] };

/** Classifies one task. The results of its runs come from their records alone; this is about runs without a record. */
export function classifyFailure(evidence: TaskEvidence, limits: TaskLimits): FailureClass {
  const { status, end, live, missing } = evidence;
  if (missing === 0) return LEFT;
  if (end) {
    if (end.fault?.code === 'MEMORY') return classifyOutOfMemory(evidence, end.cut, limits);
    // All nodes share the full filesystem.
    if (end.fault && isFull(end.fault.code)) return { lost: [], fault: end.fault };
    if (end.fault) return { lost: [], fault: end.fault, failedNode: end.node };
    // Only the scheduler knows the cause of a signal.
    if (end.how !== 'signal' && end.how !== 'time') return LEFT;
  }
  const runs = end?.cut ?? live?.slots ?? [];
  switch (status?.meaning) {
    case 'timeout':
      return live || end
        ? classifyTimeout(evidence, runs, limits)
        : neverStarted(evidence, 'ran into its time limit');
    case 'memory':
      return classifyOutOfMemory(evidence, runs, limits);
    case 'node':
      return { lost: [], evicted: true, ...(status.nodes ? { failedNode: status.nodes } : {}) };
    case 'evicted':
      return { lost: [], evicted: true };
    case 'ended':
      // A task to which nothing was left.
      return live || end || /^COMPLETED/.test(status.state) ? LEFT : neverStarted(evidence, 'ended');
    default:
      return LEFT;
  }
}

/**
 * A run that had its task's whole time gets no more time from a retry; a run that began after others does. Slurm checks
 * limits twice a minute, so if one slot does one run after another, the time does not show which was first.
 */
function classifyTimeout(
  { status, live, end }: TaskEvidence,
  runs: readonly TaskRun[],
  limits: TaskLimits,
): FailureClass {
  const { success, failed, cancelled } = (end ?? live)!;
  if (limits.slots === 1 && success + failed + cancelled > 0) return LEFT;
  const told = Math.max(end?.elapsed_ms ?? 0, live?.elapsed_ms ?? 0);
  if (told < MIN_TOLD * (status?.accounted?.elapsedMs ?? 0) - TOLD_SLACK_MS) return LEFT;
  const whole = runs.filter((run) => run.elapsed_ms >= WHOLE_TIME * told);
  if (whole.length === 0) return LEFT;
  if (canGrow('time', limits.time_s, limits)) return { lost: [], grow: 'time' };
  const limit =
    limits.time_s === null
      ? 'the time limit of its job'
      : `the job's time limit of ${formatSeconds(limits.time_s)}`;
  const error = {
    type: 'TimeoutError',
    message: `the run did not finish within ${limit}${formatGrown('time', limits)}: give it more ('time' of the experiment's resources or of the environment's executor), or let it grow (escalate = { time = 2.0 })`,
  };
  return { lost: whole.map((run) => ({ run, error })) };
}

/**
 * Slurm ends the whole task for the memory of one of its runs. The run is known only if it was alone, or if its own
 * slot ended it.
 */
function classifyOutOfMemory(
  evidence: TaskEvidence,
  runs: readonly TaskRun[],
  limits: TaskLimits,
): FailureClass {
  const { status, live, end, missing, first } = evidence;
  if (!live && !end) return neverStarted(evidence, 'ran out of memory');
  const isAlone = limits.slots === 1;
  if (isAlone && canGrow('memory', limits.memory_bytes, limits)) return { lost: [], grow: 'memory' };
  if (!isAlone || (missing > 1 && end?.fault?.code !== 'MEMORY'))
    return { lost: [], alone: runs.length > 0 ? runs.map(({ position }) => position) : first };
  const used = Math.max(
    status?.accounted?.maxRssBytes ?? 0,
    live?.peak_rss_bytes ?? 0,
    end?.peak_rss_bytes ?? 0,
  );
  const limit =
    limits.memory_bytes === null
      ? 'the memory of its job'
      : `the job's memory of ${formatBytes(limits.memory_bytes)}`;
  const error = {
    type: 'MemoryError',
    message: `the run was killed for using more than ${limit}${used > 0 ? ` (MaxRSS ${formatBytes(used)})` : ''}${formatGrown('memory', limits)}: give it more ('memory' of the experiment's resources or of the environment's executor), or let it grow (escalate = { memory = 2.0 })`,
  };
  const lost = runs.length > 0 ? runs : [unseen(first[0]!, (end ?? live)!)];
  return { lost: lost.map((run) => ({ run, error })) };
}

/** A run is reported once it has taken some seconds. */
const unseen = (position: number, { started_at, elapsed_ms }: TaskLive): TaskRun => ({
  position,
  attempt: 1,
  started_at,
  elapsed_ms,
});

function neverStarted({ status }: TaskEvidence, how: string): FailureClass {
  const exit = status?.accounted?.exitCode.split(':')[0];
  const code = how === 'ended' && exit !== undefined && exit !== '0' ? ` with exit code ${exit}` : '';
  const where = status?.nodes ? ` on node ${status.nodes}` : '';
  return {
    lost: [],
    fault: {
      code: FAULT_CODES[exit ?? ''] ?? 'TASK_START',
      message: `a task ${how}${code}${where} before it could start runs`,
    },
    ...(status?.nodes ? { failedNode: status.nodes } : {}),
  };
}

/** Exit codes of the batch script with a meaning of their own. */
const FAULT_CODES: { readonly [exit: string]: string } = {
  [EXIT.setup]: 'TASK_SET_UP',
  [EXIT.noNode]: 'TASK_NO_NODE',
  [EXIT.oldLibrary]: 'TASK_SET_UP',
};

const canGrow = (what: 'time' | 'memory', from: number | null, { escalate, escalated }: TaskLimits) =>
  from !== null && escalate !== undefined && escalate[what] > 1 && escalated[what] < escalate.max;

const formatGrown = (what: 'time' | 'memory', { escalated }: TaskLimits) =>
  escalated[what] > 0 ? `, which had already grown ${escalated[what]} times` : '';

function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/**
 * Whether somebody cancelled a whole array, not single tasks of it: the last event was the cancellation of at least two
 * of its tasks, or of its only one. If a task ended by itself after them, they were cancelled one by one and are done
 * in another round. Only for an array that metalab has not cancelled itself.
 */
export function isCancelledAsWhole(tasks: readonly { readonly evidence: TaskEvidence }[]): boolean {
  const cancelled = tasks.filter(({ evidence: { status, end } }) => {
    return status?.meaning === 'cancelled' && (!end || end.how === 'signal');
  });
  if (cancelled.length < Math.min(2, tasks.length)) return false;
  // A task that Slurm no longer knows is no evidence by itself.
  if (!cancelled.some(({ evidence: { status } }) => status!.state.startsWith('CANCELLED'))) return false;
  if (cancelled.every(({ evidence: { missing } }) => missing === 0)) return false;
  const lastOf = (ends: readonly TaskEvidence['end'][]) =>
    Math.max(...ends.map((end) => (end ? Date.parse(end.updated_at) : Number.NEGATIVE_INFINITY)));
  const lastCancelled = lastOf(cancelled.map(({ evidence }) => evidence.end));
  const others = tasks.filter((task) => !cancelled.includes(task)).map(({ evidence }) => evidence.end);
  return lastCancelled === Number.NEGATIVE_INFINITY || lastOf(others) <= lastCancelled;
}
