import type { SlurmExecutorConfig } from '../../../config/resolved-config.js';
import type { BatchLimits } from '../../batch-executor.js';
import type { ClusterLimits } from './limits/limits.js';
import type { TaskResources } from './resources.js';

/** An array has no more tasks than this, unless `max_array_size` or `chunk_size` ask for them. */
const MAX_TASKS = 1_000;
/** Tasks take runs until their time is over. More of them wait, to go on from there. */
const TASKS_PER_PLACE = 3;
/** Shorter tasks spend much of their time starting. */
const MIN_TASK_MS = 10_000;
/** The share of a job's time limit in which its task is expected to run. */
const TIME_SHARE = 0.5;
/** Concurrent tasks, if the cluster does not say how many CPUs it has. */
const DEFAULT_PLACES = 32;
/** If submitting is limited, this many arrays share the limit: one ends, one runs, one waits. */
const ARRAYS_UNDER_LIMIT = 3;
const ARRAYS_AT_ONCE = 4;
/** An array's ranges and counts travel through Temporal, and its tally takes four bytes per position. */
const MAX_POSITIONS = 1_000_000;

/** What the size of an array depends on. */
export interface ArraySizeInput {
  readonly limits: ClusterLimits;
  readonly config: Pick<SlurmExecutorConfig, 'chunk_size' | 'max_array_size' | 'max_concurrent'>;
  readonly resources: Pick<TaskResources, 'slots' | 'cpus' | 'limit_s'>;
  /** The mean duration of a run; null: not known. */
  readonly mean_ms: number | null;
}

/** How many tasks an array of this many positions gets. */
export function countTasks(positions: number, input: ArraySizeInput): number {
  const { chunk_size, max_array_size } = input.config;
  const most = maxTasks(input);
  if (chunk_size !== undefined) return Math.min(most, Math.ceil(positions / chunk_size));
  const useful = Math.min(Math.ceil(positions / input.resources.slots), usefulTasks(positions, input));
  return Math.min(most, max_array_size ?? MAX_TASKS, useful);
}

/** How a sweep's positions are divided into arrays. */
export function batchLimits(input: ArraySizeInput): BatchLimits {
  const { chunk_size = Number.POSITIVE_INFINITY } = input.config;
  const tasks = maxTasks(input);
  const at_once = isSubmitLimited(input)
    ? Math.min(ARRAYS_UNDER_LIMIT, Math.max(1, Math.floor(input.limits.submit / tasks)))
    : ARRAYS_AT_ONCE;
  return { at_once, most: Math.min(MAX_POSITIONS, tasks * chunk_size) };
}

/** The most tasks of one array. */
export function maxTasks(input: ArraySizeInput): number {
  const { limits, config } = input;
  const most = Math.min(limits.array_tasks, config.max_array_size ?? Number.POSITIVE_INFINITY);
  if (!isSubmitLimited(input)) return Math.max(1, most);
  return Math.max(1, Math.min(most, Math.floor(limits.submit / ARRAYS_UNDER_LIMIT)));
}

/** Whether the submit limit is reached before the array size limit, with several arrays in progress. */
const isSubmitLimited = ({ limits, config: { max_array_size = Number.POSITIVE_INFINITY } }: ArraySizeInput) =>
  limits.submit < ARRAYS_AT_ONCE * Math.min(limits.array_tasks, max_array_size);

function usefulTasks(positions: number, { limits, config, resources, mean_ms }: ArraySizeInput): number {
  const { slots, cpus, limit_s } = resources;
  const fit = limits.cpus === null ? DEFAULT_PLACES : Math.floor(limits.cpus / cpus);
  const places = Math.max(1, Math.min(fit, config.max_concurrent ?? fit));
  if (mean_ms === null) return TASKS_PER_PLACE * places;
  const work = (positions * mean_ms) / slots;
  const inTime = limit_s === null ? 0 : work / (TIME_SHARE * 1000 * limit_s);
  return Math.max(1, Math.ceil(Math.max(inTime, Math.min(work / MIN_TASK_MS, TASKS_PER_PLACE * places))));
}
