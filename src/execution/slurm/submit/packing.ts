import type { BatchLimits } from '../../batch-executor.js';
import type { ClusterLimits } from './limits/limits.js';

/**
 * Long compared with a task's own start (about 0.5 s with the scheduler's part), but short enough that a lost node
 * costs little.
 */
const TASK_MS = 3 * 60_000;
/** Shorter tasks spend much of their time starting. */
const MIN_TASK_MS = 10_000;
/** This many tasks per concurrent place even out differences in durations. */
const TASKS_PER_PLACE = 3;
const MAX_TASKS_A_PLACE = 32;
/**
 * Before durations are known: the number of tasks of the array that measures them, and how long each task starts runs.
 */
export const PILOT_TASKS = 32;
export const PILOT_BUDGET_MS = 30_000;
/** If submitting is limited, this many arrays share the limit: one ends, one runs, one waits. */
const ARRAYS_UNDER_LIMIT = 3;
const ARRAYS_AT_ONCE = 4;
/** An array's ranges and counts travel through Temporal, and its tally takes four bytes per position. */
const MAX_POSITIONS = 1_000_000;
/** The share of a job's time limit that its runs are planned to take: durations vary. */
const TIME_SHARE = 0.5;

/** What packing depends on. */
export interface PackingInput {
  readonly limits: ClusterLimits;
  /** `chunk_size`: runs per task. */
  readonly chunk_size?: number | undefined;
  readonly max_array_size?: number | undefined;
  readonly max_concurrent?: number | undefined;
  /** Concurrent runs in a task, and its CPUs. */
  readonly slots: number;
  readonly cpus: number;
  /** The job's time limit, seconds; null: none. */
  readonly time_s: number | null;
  readonly mean_ms: number | null;
  /** Durations were to be measured, and could not be: runs are long, or are pending for long. */
  readonly piloted: boolean;
}

export interface Packing {
  readonly per_task: number;
  readonly tasks: number;
  /** The array is to measure how long runs take. */
  readonly pilot: boolean;
}

/** How many runs each task of an array gets, and how many tasks that makes. */
export function pack(positions: number, input: PackingInput): Packing {
  const most = tasksOfAnArray(input);
  const wanted = wantedTasks(positions, input);
  const tasks = Math.max(1, Math.min(wanted, most, positions));
  const per_task = input.chunk_size ?? Math.ceil(positions / tasks);
  return { per_task, tasks: Math.ceil(positions / per_task), pilot: isPilot(input) && per_task > 1 };
}

/** How a sweep's positions are divided into arrays. */
export function deal(positions: number, input: PackingInput): BatchLimits {
  const most = tasksOfAnArray(input);
  if (isPilot(input)) {
    const tasks = Math.min(PILOT_TASKS, places(input), most);
    // With one run per task, measuring first gains nothing. Otherwise half of the positions stay out of the pilot and
    // are given out while it runs.
    return { at_once: 1, most: positions <= tasks ? positions : Math.max(tasks, Math.ceil(positions / 2)) };
  }
  const share = isSubmitLimited(input) ? 1 : ARRAYS_AT_ONCE;
  const per_task = input.chunk_size ?? perTask(positions, input);
  const perArray = Math.max(1, Math.min(MAX_POSITIONS, most * per_task));
  const at_once = isSubmitLimited(input)
    ? Math.min(ARRAYS_UNDER_LIMIT, Math.max(1, Math.floor(input.limits.submit / most)))
    : share;
  return { at_once, most: perArray };
}

const isPilot = ({ mean_ms, chunk_size, piloted }: PackingInput) =>
  mean_ms === null && chunk_size === undefined && !piloted;

/** The most tasks of one array. */
export function tasksOfAnArray(input: PackingInput): number {
  const { limits, max_array_size = Number.POSITIVE_INFINITY } = input;
  const most = Math.min(limits.array_tasks, max_array_size);
  if (!isSubmitLimited(input)) return Math.max(1, most);
  return Math.max(1, Math.min(most, Math.floor(limits.submit / ARRAYS_UNDER_LIMIT)));
}

/** Whether the submit limit is reached before the array size limit, with several arrays in progress. */
const isSubmitLimited = ({ limits, max_array_size = Number.POSITIVE_INFINITY }: PackingInput) =>
  limits.submit < ARRAYS_AT_ONCE * Math.min(limits.array_tasks, max_array_size);

/** How many tasks can run concurrently, as far as is known. */
function places({ limits, cpus, max_concurrent = Number.POSITIVE_INFINITY }: PackingInput): number {
  const fit = limits.cpus === null ? PILOT_TASKS : Math.floor(limits.cpus / cpus);
  return Math.max(1, Math.min(fit, max_concurrent, limits.submit));
}

function wantedTasks(positions: number, input: PackingInput): number {
  if (isPilot(input)) return Math.min(PILOT_TASKS, places(input));
  const tasks = Math.ceil(positions / perTask(positions, input));
  if (tasks <= places(input)) return tasks;
  // All places finish together: 5 equal tasks on 4 places would take as long as 8.
  return places(input) * Math.ceil(tasks / places(input));
}

/** Runs per task, depending on their duration. */
function perTask(positions: number, input: PackingInput): number {
  const { mean_ms, slots, time_s } = input;
  // Runs that did not end during the pilot are long: one per task, unless there are very many.
  if (mean_ms === null) return Math.ceil(positions / (MAX_TASKS_A_PLACE * places(input)));
  const each = Math.max(mean_ms, 0.001) / slots;
  const even = Math.ceil(positions / (TASKS_PER_PLACE * places(input)));
  const ofTime = time_s === null ? Number.POSITIVE_INFINITY : (TIME_SHARE * time_s * 1000) / each;
  // Tasks long enough to be worth their start, as long as every place gets one.
  const worthwhile = Math.min(MIN_TASK_MS / each, Math.ceil(positions / places(input)));
  return Math.max(1, Math.floor(Math.min(ofTime, Math.max(worthwhile, Math.min(even, TASK_MS / each)))));
}
