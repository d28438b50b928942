import type { PositionRange } from '../../../definition/position-range.js';
import type { RunTotals } from '../../../definition/run-totals.js';

/** `arrays/{token}/array.json`: what a Slurm array executes. Written before `sbatch`, never changed. */
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
  /** The runs after which a task ends, as long as other tasks have not begun; without it, a task does all that it can. */
  readonly chunk_size?: number | undefined;
  readonly tasks: number;
  /** Slots per task. */
  readonly slots: number;
  /** The time after which a task starts no further run, counted from the task's start; null: no limit. Milliseconds. */
  readonly budget_ms: number | null;
  /** Per run, as declared; null: no limit. */
  readonly timeout_ms: number | null;
  readonly memory_bytes: number | null;
  /** A run that needed more memory is not recorded as failed, but cut, with fault `MEMORY`: it may get more. */
  readonly spare_memory?: boolean;
  /** How often its resources had grown. */
  readonly escalated?: { readonly memory: number; readonly time: number };
  /**
   * Where the context's files are: for the path of a `file()` or `dir()` in the declaration's context, its location,
   * relative to the spool's root or absolute on the cluster. Other paths are used as they are.
   */
  readonly files: { readonly [path: string]: string };
  /** The version of metalab that wrote it. */
  readonly metalab: string;
}

/** A run in progress, or that was in progress when its task had to end. */
export interface TaskRun {
  readonly position: number;
  readonly attempt: number;
  readonly started_at: string;
  readonly elapsed_ms: number;
}

/**
 * `live/{task}.json`: overwritten every 2 s while a task runs, for display and to see what its death cost. The counts are
 * of records that this task wrote, fsynced or about to be.
 */
export interface TaskLive extends RunTotals {
  readonly task: number;
  /** 0 at first; Slurm counts requeues. */
  readonly restart: number;
  readonly updated_at: string;
  readonly started_at: string;
  /** Time since the task's start, monotonic. */
  readonly elapsed_ms: number;
  /** The array's job id, as `sbatch` printed it. */
  readonly job: string;
  /** This task's own job id, a different number, which some of Slurm's messages contain. */
  readonly job_id: string;
  readonly node: string;
  readonly partition: string | null;
  /** Runs in progress. */
  readonly slots: readonly TaskRun[];
  /**
   * What it has taken and not given back, written before its runs begin: first what slots have, of which the front may
   * be recorded. Of the array's positions, counted from 0. Missing if an older version wrote the file.
   */
  readonly holds?: readonly PositionRange[];
  /** Of the slot that used the most; 0 if none was seen. */
  readonly peak_rss_bytes: number;
}

/**
 * Why a task ended: nothing is left that it could take (`done`); its `budget` is over; it was asked to `yield` or `cancel`; a `signal` came
 * (scancel, preemption, a node's shutdown); the signal came at the `time` limit, if Slurm tells tasks when that is
 * (SLURM_JOB_END_TIME), else it counts as `signal` too; a `fault` of the executor.
 */
export type TaskHow = 'done' | 'budget' | 'yield' | 'cancel' | 'signal' | 'time' | 'fault';

/** Not a run's fault, so no run was recorded as failed because of it. */
export interface TaskFault {
  /** As in `ExecutionFault` (`FILES`, `IMPORT`, `SLOT_START`, `SLOT_CRASH`, `MEMORY`, or the system's), or `TASK`. */
  readonly code: string;
  /** Full message for the user. */
  readonly message: string;
}

/** `ended/{task}.{restart}.json`: written once, when everything that the task recorded is fsynced. */
export interface TaskEnd extends TaskLive {
  readonly how: TaskHow;
  readonly fault: TaskFault | null;
  /** Runs in progress when the task had to end, which were not recorded. `slots` is empty. */
  readonly cut: readonly TaskRun[];
}
