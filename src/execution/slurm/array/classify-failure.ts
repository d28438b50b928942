import type { Escalation } from '../../../config/resolved-config.js';
import type { ErrorDescription } from '../../../definition/errors.js';
import { formatBytes } from '../../../definition/format-bytes.js';
import type { TaskStatus } from '../queue/watched-job.js';
import type { TaskEnd, TaskLive, TaskRun } from '../task/array-spec.js';
import { EXIT } from '../task/exit-codes.js';

/** Of a task's whole time, what a run must have had for the limit to be its own. */
const WHOLE_TIME = 0.8;

/** A run that was told of so long before its task ended is no evidence: its task had lost its way to the files. */
const MIN_TOLD = 0.5;
const TOLD_SLACK_MS = 10_000;

/** All that is known of a task that has ended. */
export interface TaskEvidence {
  /** What the scheduler says; undefined where the task's own word was enough, or nobody knows it any more. */
  readonly status: TaskStatus | undefined;
  /** Its last incarnation's last words, and what it told while at work: of its runs, those that have no record. */
  readonly end: TaskEnd | undefined;
  readonly live: TaskLive | undefined;
  /** Of its block, what nobody has done; and with which positions of that its slots would begin, one each. */
  readonly missing: number;
  readonly first: readonly number[];
}

/** What the array's tasks were given. */
export interface TaskLimits {
  readonly slots: number;
  readonly time_s: number | null;
  readonly memory_bytes: number | null;
  readonly escalate: Escalation | undefined;
  /** How often they had grown. */
  readonly escalated: { readonly memory: number; readonly time: number };
}

/** What becomes of what a task left. What it did not do goes round again, but for `lost` runs. */
export interface FailureClass {
  readonly lost: readonly { readonly run: TaskRun; readonly error: ErrorDescription }[];
  /** What tasks get more of from now on. */
  readonly grow?: 'time' | 'memory';
  /** Positions one of which has ended the task for all: each is tried again in a task of its own, before any is blamed. */
  readonly alone?: readonly number[];
  /** The scheduler took it away: that is no round in which nothing was done. */
  readonly evicted?: true;
  /** The node on which it failed through no fault of its runs. */
  readonly failedNode?: string;
  /** It ended before it could start runs, or by a fault of the place. */
  readonly fault?: { readonly code: string; readonly message: string };
}

/**
 * What a task's former incarnation said is about that one's runs only. Without words of its own, one that was queued again
 * has died before it could start any.
 *
 * @param restart of the last that began
 */
export const ofIncarnation = ({ end, live, ...known }: TaskEvidence, restart: number): TaskEvidence => ({
  ...known,
  end: end && end.restart >= restart ? end : undefined,
  live: live && live.restart >= restart ? live : undefined,
});

const isFull = (code: string) => code === 'ENOSPC' || code === 'EDQUOT';

const LEFT: FailureClass = { lost: [] };

/** Judges one task. What its runs did is told by their records alone; this is about those without. */
export function classifyFailure(evidence: TaskEvidence, limits: TaskLimits): FailureClass {
  const { status, end, live, missing } = evidence;
  if (missing === 0) return LEFT;
  if (end) {
    if (end.fault?.code === 'MEMORY') return classifyOutOfMemory(evidence, end.cut, limits);
    // All nodes share the filesystem that is full.
    if (end.fault && isFull(end.fault.code)) return { lost: [], fault: end.fault };
    if (end.fault) return { lost: [], fault: end.fault, failedNode: end.node };
    // A signal's cause is the scheduler's to tell.
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
      // One whose block another process has leaves at once, and well.
      return live || end || /^COMPLETED/.test(status.state) ? LEFT : neverStarted(evidence, 'ended');
    default:
      return LEFT;
  }
}

/**
 * A run that had its task's whole time gets no more of it by trying again; one that began after others does. Slurm looks at
 * limits twice a minute, so that where one slot does one run after another it is not time that tells which was first.
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
    message: `the run was not done within ${limit}${formatGrown('time', limits)}: give it more ('time' of the experiment's resources or of the environment's executor), or let it grow (escalate = { time = 2.0 })`,
  };
  return { lost: whole.map((run) => ({ run, error })) };
}

/** Slurm ends all that a task does for what one of its runs took: only one that was alone, or that its own slot ended, is known to be it. */
function classifyOutOfMemory(
  evidence: TaskEvidence,
  runs: readonly TaskRun[],
  limits: TaskLimits,
): FailureClass {
  const { status, live, end, missing, first } = evidence;
  if (!live && !end) return neverStarted(evidence, 'ran out of memory');
  const known = missing === 1 || (limits.slots === 1 && end?.fault?.code === 'MEMORY');
  if ((known || limits.slots === 1) && canGrow('memory', limits.memory_bytes, limits))
    return { lost: [], grow: 'memory' };
  if (!known) return { lost: [], alone: runs.length > 0 ? runs.map(({ position }) => position) : first };
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
    message: `the run was ended for using more than ${limit}${used > 0 ? ` (MaxRSS ${formatBytes(used)})` : ''}${formatGrown('memory', limits)}: give it more ('memory' of the experiment's resources or of the environment's executor), or let it grow (escalate = { memory = 2.0 })`,
  };
  const lost = runs.length > 0 ? runs : [unseen(first[0]!, (end ?? live)!)];
  return { lost: lost.map((run) => ({ run, error })) };
}

/** A run is told of when it has been going for some seconds. */
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

/** Exits of the batch script with a meaning of their own. */
const FAULT_CODES: { readonly [exit: string]: string } = {
  [EXIT.setup]: 'TASK_SET_UP',
  [EXIT.noNode]: 'TASK_NO_NODE',
  [EXIT.oldLibrary]: 'TASK_SET_UP',
};

const canGrow = (what: 'time' | 'memory', from: number | null, { escalate, escalated }: TaskLimits) =>
  from !== null && escalate !== undefined && escalate[what] > 1 && escalated[what] < escalate.max;

const formatGrown = (what: 'time' | 'memory', { escalated }: TaskLimits) =>
  escalated[what] > 0 ? `, after that had grown ${escalated[what]} times` : '';

function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
