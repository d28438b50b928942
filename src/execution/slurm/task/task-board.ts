import type { PositionRange } from '../../../definition/position-range.js';
import { mergeDigests } from '../../../definition/run-digest.js';
import { mergeMeans } from '../../../definition/running-mean.js';
import type { ChunkReport } from '../../../runner/protocol/protocol.js';
import type { RangeProgress } from '../../executor.js';
import type { TaskLive, TaskRun } from './array-spec.js';
import type { TaskIdentity } from './task-identity.js';

type Counts = Omit<ChunkReport, 'next' | 'busy_ms'>;

const NOTHING: Counts = { success: 0, failed: 0, cancelled: 0, means: {} };

/** What a task has done so far: in its ended pieces, and in those in progress. */
export class TaskBoard {
  readonly #identity: TaskIdentity;
  readonly #startedAt = new Date();
  readonly #started: number;
  readonly #pieces = new Map<object, RangeProgress>();
  readonly #running = new Map<object, Clocked>();
  #holds: () => readonly PositionRange[] = () => [];
  #done = NOTHING;
  #busyMs = 0;
  #peak = 0;

  /** @param started on this process's monotonic clock */
  constructor(identity: TaskIdentity, started: number) {
    this.#identity = identity;
    this.#started = started;
  }

  /** @param holds what the task has taken and not done yet */
  begin(holds: () => readonly PositionRange[]): void {
    this.#holds = holds;
  }

  show(piece: object, progress: RangeProgress): void {
    this.#pieces.set(piece, progress);
    const { running } = progress;
    if (!running) this.#running.delete(piece);
    else if (this.#running.get(piece)?.started_at !== running.started_at)
      this.#running.set(piece, clocked(running));
    this.#peak = Math.max(this.#peak, progress.peak_rss_bytes);
  }

  end(piece: object, report: ChunkReport): void {
    this.#pieces.delete(piece);
    this.#running.delete(piece);
    this.#done = add(this.#done, report);
    this.#busyMs += report.busy_ms;
  }

  live(): TaskLive {
    const { task, restart, job, job_id, node, partition } = this.#identity;
    const pieces = [...this.#pieces.values()];
    const counts = pieces.reduce((sum, { report }) => add(sum, report), this.#done);
    return {
      task,
      restart,
      updated_at: new Date().toISOString(),
      started_at: this.#startedAt.toISOString(),
      elapsed_ms: Math.round(performance.now() - this.#started),
      job,
      job_id,
      node,
      partition,
      slots: [...this.#running.values()].map(taskRun),
      holds: this.#holds(),
      success: counts.success,
      failed: counts.failed,
      cancelled: counts.cancelled,
      busy_ms: Math.round(this.#busyMs),
      means: counts.means,
      ...(counts.digest && { digest: counts.digest }),
      peak_rss_bytes: this.#peak,
    };
  }
}

/** A run in progress, and when it began on this process's monotonic clock: the system's clock may jump. */
interface Clocked extends Omit<TaskRun, 'elapsed_ms'> {
  readonly began: number;
}

/** Seen at most some seconds after it began. */
function clocked({ position, attempt, started_at }: Omit<TaskRun, 'elapsed_ms'>): Clocked {
  const before = Math.max(0, Date.now() - Date.parse(started_at));
  return { position, attempt, started_at, began: performance.now() - before };
}

function taskRun({ began, ...run }: Clocked): TaskRun {
  return { ...run, elapsed_ms: Math.round(performance.now() - began) };
}

function add(a: Counts, b: Counts): Counts {
  return {
    success: a.success + b.success,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
    means: mergeMeans(a.means, b.means),
    digest: mergeDigests(a.digest, b.digest),
  };
}
