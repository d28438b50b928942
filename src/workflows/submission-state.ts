import type { ExecuteResult, PlanResult } from '../contract/activities.js';
import type {
  ChunkNotice,
  PauseState,
  Phase,
  SubmissionRequest,
  SubmissionStatus,
} from '../contract/workflow.js';
import { type DoneRuns, failuresLeft, isReached } from '../definition/failure-limit.js';
import type { PositionRange } from '../definition/position-range.js';
import type { BatchLimits } from '../execution/batch-executor.js';
import type { SubmissionSnapshot } from './carried.js';
import { chunkSize } from './chunk-size.js';
import { type Chunk, ChunksInProgress } from './chunks-in-progress.js';
import { Ranges } from './ranges.js';
import { ReportedRuns } from './reported-runs.js';
import { WorkerSlots } from './worker-slots.js';

/** A payload must not contain long lists. */
const MAX_RANGES = 200;

/** One submission in progress: which positions are left, what was reported. Contains no Temporal code. */
export class SubmissionState {
  readonly request: SubmissionRequest;
  readonly startedAt: string;
  phase: Extract<Phase, 'planning' | 'running' | 'settling'>;
  /** Why the store can't be written at present; null if it can. */
  unwritable: string | null;
  cancelled: string | null;
  /** Consecutive times that settling found runs missing and no new record. */
  settlesWithoutProgress: number;
  /** Records that the store had at the last settling. */
  recorded: number;
  #plan: PlanResult | null;
  #ranges: Ranges;
  readonly #reported: ReportedRuns;
  readonly #workers: WorkerSlots;
  /**
   * The first runs are long: one more chunk waits, so that a worker that starts before any has ended gets it and
   * becomes known.
   */
  waitsForNewcomers = false;
  /** Incremented with every change of what workers offer or give back. */
  offers = 0;
  /** Chunks that may take long are asked to come back. */
  yields = false;
  /** Consecutive batches, each handed out after the one before had ended, that were executed and recorded nothing. */
  emptyBatches = 0;
  readonly #inProgress = new ChunksInProgress();
  #batchLimits: BatchLimits | null;

  constructor(snapshot: SubmissionSnapshot) {
    this.request = snapshot.request;
    this.startedAt = snapshot.started_at;
    this.settlesWithoutProgress = snapshot.barrenRounds;
    this.recorded = snapshot.recorded;
    this.unwritable = snapshot.unwritable ?? null;
    this.cancelled = snapshot.cancelled ?? null;
    this.phase = snapshot.plan ? 'running' : 'planning';
    this.#plan = snapshot.plan;
    this.#ranges = new Ranges(snapshot.ranges);
    this.#reported = new ReportedRuns(snapshot);
    this.#workers = new WorkerSlots(snapshot.workers);
    this.#batchLimits = snapshot.dealing ?? null;
  }

  static begin(request: SubmissionRequest, startedAt: string): SubmissionState {
    return new SubmissionState({
      request,
      started_at: startedAt,
      plan: null,
      ranges: [],
      counts: { success: 0, failed: 0, cancelled: 0, elapsed_ms: 0 },
      means: {},
      workers: {},
      recorded: 0,
      barrenRounds: 0,
      unwritable: null,
      cancelled: null,
    });
  }

  get plan(): PlanResult | null {
    return this.#plan;
  }

  /** What chunks have reported so far. */
  get reported(): ReportedRuns {
    return this.#reported;
  }

  /** Number of chunks that are handed out: in slots, or waiting for one. */
  get chunks(): number {
    return this.#inProgress.chunks.size;
  }

  /** The chunks that are handed out, by their first positions. */
  get handedOut(): ReadonlyMap<number, Chunk> {
    return this.#inProgress.chunks;
  }

  get hasRanges(): boolean {
    return this.#ranges.size > 0;
  }

  planned(plan: PlanResult): void {
    this.#plan = plan;
    this.#inProgress.clearWaits();
    this.#workers.set(plan.worker, plan.slots);
    this.#batchLimits = plan.dealing ?? null;
    this.#ranges = new Ranges([{ from: 0, to: plan.positions }]);
    this.phase = 'running';
  }

  get slots(): number {
    return Math.max(1, this.request.options.slots ?? this.#workers.total);
  }

  /**
   * How many chunks may be handed out at a time: one more than there are slots, so that a slot that becomes free finds
   * the next one waiting (20 ms sooner). Not before the first report: the first chunks are large, and the waiting one
   * may wait long, since task queues keep no order. And not if workers would have slots for more than was requested.
   */
  get window(): number {
    if (this.#batchLimits) return this.#batchLimits.at_once;
    const oneWaits = this.#reported.done > 0 || this.waitsForNewcomers;
    return oneWaits && this.slots >= this.#workers.total ? this.slots + 1 : this.slots;
  }

  workerOffers(worker: string, slots: number): void {
    if (this.#workers.set(worker, slots)) this.offers++;
  }

  /** Null: chunks go to workers' slots. */
  get batchLimits(): BatchLimits | null {
    return this.#batchLimits;
  }

  /** Runs of this submission so far: from reports, and from batches in progress. */
  get done(): DoneRuns {
    const { failed, done } = this.#reported;
    const batches = this.#inProgress.runsOfBatches;
    return { failed: failed + batches.failed, done: done + batches.done };
  }

  /** A message if too many runs have failed to continue; undefined otherwise. */
  get failuresReached(): string | undefined {
    const { max_failures: limit } = this.request.options;
    if (limit === undefined || !isReached(limit, this.done) || !(this.hasRanges || this.chunks > 0))
      return undefined;
    const { failed, done } = this.done;
    return `too many runs failed: ${failed} of ${done} that are done (--max-failures ${limit})`;
  }

  /** For a chunk that is handed out now: see `ExecuteInput.failures_left`. */
  get failuresLeft(): number | undefined {
    const { max_failures: limit } = this.request.options;
    if (limit === undefined) return undefined;
    // Divided among the slots, so that together they stop at about the limit.
    const left = Math.ceil(failuresLeft(limit, this.done) / (this.#batchLimits ? 1 : this.slots));
    return Number.isFinite(left) ? left : undefined;
  }

  nextChunk(): Chunk | undefined {
    if (this.#batchLimits) return this.#nextBatch(this.#batchLimits.most);
    const mean = this.#reported.meanMs;
    // Its duration is unknown: it must not keep much from others.
    if (mean === undefined && this.chunks >= this.slots) return this.#take(1);
    return this.#take(chunkSize(this.#ranges.size, this.slots, Math.max(1, this.slots - this.chunks), mean));
  }

  #nextBatch(most: number): Chunk | undefined {
    const ranges = this.#ranges.takeRanges(most, MAX_RANGES);
    const [first, last] = [ranges[0], ranges.at(-1)];
    if (!first || !last) return undefined;
    const batch = { from: first.from, to: last.to, ranges, emptyBefore: this.emptyBatches };
    this.#inProgress.add(batch);
    return batch;
  }

  #take(count: number): PositionRange | undefined {
    const range = this.#ranges.take(count);
    if (range) this.#inProgress.add(range);
    return range;
  }

  /** Called when a chunk has ended: adds its counts, and takes back what it left. */
  chunkEnded(chunk: Chunk, result: ExecuteResult | undefined): void {
    const { to } = this.#inProgress.remove(chunk);
    const left = chunk.ranges ? (result?.left ?? chunk.ranges) : [{ from: result?.next ?? chunk.from, to }];
    for (const range of left) this.#ranges.giveBack(range);
    if (!result) return;
    if (result.dealing) this.#batchLimits = result.dealing;
    this.#reported.add(result);
    this.workerOffers(result.worker, result.slots);
  }

  /** Called when a batch has ended. Batches that ran at the same time and were ended by the same cause count as one. */
  batchEnded({ emptyBefore }: Chunk, { success, failed, cancelled, job }: ExecuteResult): void {
    if (success + failed + cancelled > 0) this.emptyBatches = 0;
    else if (job && emptyBefore === this.emptyBatches) this.emptyBatches++;
  }

  /** What a chunk won't start any more goes to others before it has ended. */
  chunkTells(notice: Omit<ChunkNotice, 'submission'>): void {
    // Before there is a plan, only planning itself reports that it waits.
    if (!this.handedOut.has(notice.from) && this.#plan) return;
    const givenBack = this.#inProgress.update(notice);
    if (givenBack) {
      this.#ranges.giveBack(givenBack);
      this.offers++;
    }
    if (notice.dealing && this.#batchLimits && this.handedOut.has(notice.from)) {
      this.#batchLimits = notice.dealing;
      this.offers++;
    }
  }

  /** Hands out again the runs that have no record in the store. */
  requeue(missing: readonly PositionRange[], recorded: number): void {
    this.settlesWithoutProgress = recorded > this.recorded ? 0 : this.settlesWithoutProgress + 1;
    this.recorded = recorded;
    for (const range of missing) this.#ranges.giveBack(range);
    this.phase = 'running';
  }

  snapshot(): SubmissionSnapshot {
    return {
      request: this.request,
      started_at: this.startedAt,
      plan: this.#plan,
      ranges: this.#ranges.toJSON(),
      ...this.#reported.toJSON(),
      workers: this.#workers.toJSON(),
      recorded: this.recorded,
      barrenRounds: this.settlesWithoutProgress,
      unwritable: this.unwritable,
      cancelled: this.cancelled,
      dealing: this.#batchLimits,
    };
  }

  /** @param pause the experiment's; null if it isn't paused */
  status(pause: PauseState | null): SubmissionStatus {
    const { counts, means, digest } = this.#reported.toJSON();
    const { success, failed, cancelled } = counts;
    const reused = this.#plan?.reused ?? { success: 0, failed: 0, cancelled: 0 };
    return {
      submission: this.request.submission,
      ...this.#standing(pause),
      total: this.#plan?.total ?? 0,
      reused: reused.success + reused.failed + reused.cancelled,
      success,
      failed,
      cancelled,
      // A batch's live file shows how many of its runs are in progress.
      running: this.#batchLimits ? 0 : Math.min(this.chunks, this.slots),
      chunks: [...this.handedOut.keys()],
      chunk_ends: [...this.handedOut.values()].map(({ to }) => to),
      means,
      digest,
      yields: this.yields,
      paused: pause !== null,
      pause,
    };
  }

  #standing(pause: PauseState | null): Pick<SubmissionStatus, 'phase' | 'reason'> {
    const { waits } = this.#inProgress;
    if (this.cancelled !== null)
      return { phase: 'cancelling', reason: waits ? `${this.cancelled}; ${waits}` : this.cancelled };
    if (this.unwritable !== null) return { phase: 'waiting', reason: this.unwritable };
    if (pause !== null) return { phase: 'paused', reason: pause.reason || null };
    if (waits !== undefined) return { phase: 'waiting', reason: waits };
    return { phase: this.phase, reason: null };
  }
}
