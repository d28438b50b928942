import type { RunDigest } from '../../../definition/run-digest.js';
import type { RunningMeans } from '../../../definition/running-mean.js';
import type { PositionRange } from '../../batch-executor.js';

/** `arrays/{token}/array.json`: what a Slurm array is to do. Written before `sbatch`, never changed. */
export interface ArraySpec {
  readonly token: string;
  readonly submission: string;
  readonly experiment_id: string;
  /** SHA-256 of the declaration, its name under `declarations/`. */
  readonly declaration: string;
  /** The environment's name. */
  readonly environment: string;
  /** Ascending, without overlap. */
  readonly ranges: readonly PositionRange[];
  /** Task i, from 0, has the i-th block of so many positions of the ranges one after another. */
  readonly per_task: number;
  readonly tasks: number;
  /** Slots of a task. */
  readonly slots: number;
  /** Past it, counted from the task's start, a task starts no further run; null: no limit. Milliseconds. */
  readonly budget_ms: number | null;
  /** Per run, as declared; null: no limit. */
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** A run for which the memory did not suffice is not recorded as failed, but cut, with fault `MEMORY`: it may get more. */
  readonly spare_memory?: boolean;
  /** How often its resources had grown: nothing of the tasks' concern. */
  readonly escalated?: { readonly memory: number; readonly time: number };
  /**
   * Where the context's files are. By the path of a `file()` or `dir()` in the declaration's context, its place: relative
   * to the spool's root, or absolute on the cluster. Paths that are not named are taken as they are.
   */
  readonly files: { readonly [path: string]: string };
  /** The version of metalab that wrote it. */
  readonly metalab: string;
}

/** A run that is in progress, or was when its task had to end. */
export interface TaskRun {
  readonly position: number;
  readonly attempt: number;
  readonly started_at: string;
  readonly elapsed_ms: number;
}

/** `live/{task}.json`: overwritten every 2 s while a task is at work, for showing and for judging what its death cost. */
export interface TaskLive {
  readonly task: number;
  /** 0 at first; Slurm counts requeues. */
  readonly restart: number;
  readonly updated_at: string;
  readonly started_at: string;
  /** Since the task's start, monotonic. */
  readonly elapsed_ms: number;
  /** The array's job id, as `sbatch` printed it. */
  readonly job: string;
  /** This task's own job id, another number: what some of Slurm's messages say. */
  readonly job_id: string;
  readonly node: string;
  readonly partition: string | null;
  /** Runs in progress. */
  readonly slots: readonly TaskRun[];
  /** Positions of the task's block, and how many of them were recorded before it began. */
  readonly positions: number;
  readonly recorded_before: number;
  /** What is the task's to do, where that is not its block: it gave positions to other tasks, or got some of theirs. */
  readonly had?: readonly PositionRange[];
  /** Records that this task wrote, fsynced or about to be. */
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Time spent in runs that are counted, milliseconds. */
  readonly busy_ms: number;
  readonly means: RunningMeans;
  /** Missing where an older task wrote it. */
  readonly digest?: RunDigest;
  /** Of the slot that had the most; 0 where nobody was seen. */
  readonly peak_rss_bytes: number;
}

/**
 * Why a task ended: its block is `done`; past its `budget`; asked to `yield` or `cancel`; by a `signal` (scancel,
 * preemption, a node that is shut down); by the one that comes with the `time` limit, where Slurm tells tasks when that is
 * (SLURM_JOB_END_TIME), else that is a `signal` too; by a `fault` of the place.
 */
export type TaskHow = 'done' | 'budget' | 'yield' | 'cancel' | 'signal' | 'time' | 'fault';

/** Not a run's fault, so that no run was recorded as failed by it. */
export interface TaskFault {
  /** As `ExecutionFault` has it (`FILES`, `IMPORT`, `SLOT_START`, `SLOT_CRASH`, `MEMORY`, or the system's), or `TASK`. */
  readonly code: string;
  /** In full words, for the user. */
  readonly message: string;
}

/** `ended/{task}.{restart}.json`: written once, when all that the task recorded is fsynced. */
export interface TaskEnd extends TaskLive {
  readonly how: TaskHow;
  readonly fault: TaskFault | null;
  /** Runs that were in progress when it had to end, and were not recorded. `slots` is empty. */
  readonly cut: readonly TaskRun[];
  /** What is left of what was its to do, ascending: at most 200 ranges, the rest is found by settling. */
  readonly left: readonly PositionRange[];
}
