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
import { mergeDigests, type RunDigest } from '../definition/run-digest.js';
import { mergeMeans, type RunningMeans } from '../definition/running-mean.js';
import type { BatchLimits } from '../execution/batch-executor.js';
import { chunkSize } from './chunk-size.js';
import { Ranges } from './ranges.js';
import type { Counts, SubmissionSnapshot } from './submission-snapshot.js';
import { WorkerSlots } from './worker-slots.js';

/** A payload must not contain long lists. */
const MAX_PIECES = 200;

/** The work of one execute activity. */
export interface Chunk extends PositionRange {
  /** For a batch: its positions, ascending. */
  readonly ranges?: readonly PositionRange[];
  /** For a batch: `emptyBatches` when it was handed out. */
  readonly emptyBefore?: number;
}

/** One submission in progress: which positions are left, what was reported. Contains no Temporal code. */
export class SubmissionState {
  readonly request: SubmissionRequest;
  readonly startedAt: string;
  phase: Extract<Phase, 'planning' | 'running' | 'settling'>;
  /** Why the store can't be written at present; null if it can. */
  unwritable: string | null;
  /** Why it is being cancelled. */
  cancelled: string | null;
  /** Consecutive rounds of settling that found runs missing and no new record. */
  emptyRounds: number;
  /** Records that the store had at the last settling. */
  recorded: number;
  #plan: PlanResult | null;
  #ranges: Ranges;
  #counts: Counts;
  #means: RunningMeans;
  #digest: RunDigest;
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
  /** The chunks in slots now, by their first positions. */
  readonly #chunks = new Map<number, Chunk>();
  /** Why chunks wait, by their first positions. */
  readonly #waits = new Map<number, string>();
  /** Run counts reported by batches in progress, by their first positions. */
  readonly #runsSoFar = new Map<number, DoneRuns>();
  #dealing: BatchLimits | null;

  constructor(snapshot: SubmissionSnapshot) {
    this.request = snapshot.request;
    this.startedAt = snapshot.started_at;
    this.emptyRounds = snapshot.barrenRounds;
    this.recorded = snapshot.recorded;
    this.unwritable = snapshot.unwritable ?? null;
    this.cancelled = snapshot.cancelled ?? null;
    this.phase = snapshot.plan ? 'running' : 'planning';
    this.#plan = snapshot.plan;
    this.#ranges = new Ranges(snapshot.ranges);
    this.#counts = snapshot.counts;
    this.#means = snapshot.means;
    this.#digest = snapshot.digest ?? {};
    this.#workers = new WorkerSlots(snapshot.workers);
    this.#dealing = snapshot.dealing ?? null;
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

  get means(): RunningMeans {
    return this.#means;
  }

  get digest(): RunDigest {
    return this.#digest;
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** Number of chunks that are handed out: in slots, or waiting for one. */
  get chunks(): number {
    return this.#chunks.size;
  }

  /** The chunks that are handed out, by their first positions. */
  get handedOut(): ReadonlyMap<number, Chunk> {
    return this.#chunks;
  }

  get hasRanges(): boolean {
    return this.#ranges.size > 0;
  }

  planned(plan: PlanResult): void {
    this.#plan = plan;
    this.#waits.clear();
    this.#workers.set(plan.worker, plan.slots);
    this.#dealing = plan.dealing ?? null;
    this.#ranges = new Ranges([{ from: 0, to: plan.positions }]);
    this.phase = 'running';
  }

  /** How many slots execute the submission's chunks. */
  get slots(): number {
    return Math.max(1, this.request.options.slots ?? this.#workers.total);
  }

  /**
   * How many chunks may be handed out at a time: one more than there are slots, so that a slot that becomes free finds
   * the next one waiting (20 ms sooner). Not before the first report: the first chunks are large, and the waiting one
   * may wait long, since task queues keep no order. And not if workers would have slots for more than was requested.
   */
  get window(): number {
    if (this.#dealing) return this.#dealing.at_once;
    const oneWaits = this.hasReported || this.waitsForNewcomers;
    return oneWaits && this.slots >= this.#workers.total ? this.slots + 1 : this.slots;
  }

  get hasReported(): boolean {
    const { success, failed, cancelled } = this.#counts;
    return success + failed + cancelled > 0;
  }

  workerOffers(worker: string, slots: number): void {
    if (this.#workers.set(worker, slots)) this.offers++;
  }

  /** Null: chunks go to workers' slots. */
  get dealing(): BatchLimits | null {
    return this.#dealing;
  }

  /** Mean duration of a run so far, milliseconds. */
  get meanMs(): number | undefined {
    const { success, failed, cancelled, elapsed_ms } = this.#counts;
    const runs = success + failed + cancelled;
    return runs > 0 ? elapsed_ms / runs : undefined;
  }

  /** Runs of this submission so far: from reports, and from batches in progress. */
  get done(): DoneRuns {
    const { success, failed, cancelled } = this.#counts;
    const sum = { failed, done: success + failed + cancelled };
    for (const runs of this.#runsSoFar.values()) {
      sum.failed += runs.failed;
      sum.done += runs.done;
    }
    return sum;
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
    const left = Math.ceil(failuresLeft(limit, this.done) / (this.#dealing ? 1 : this.slots));
    return Number.isFinite(left) ? left : undefined;
  }

  nextChunk(): Chunk | undefined {
    if (this.#dealing) return this.#nextBatch(this.#dealing.most);
    const mean = this.meanMs;
    // Its duration is unknown: it must not keep much from others.
    if (mean === undefined && this.#chunks.size >= this.slots) return this.#take(1);
    return this.#take(
      chunkSize(this.#ranges.size, this.slots, Math.max(1, this.slots - this.#chunks.size), mean),
    );
  }

  #nextBatch(most: number): Chunk | undefined {
    const ranges = this.#ranges.takePieces(most, MAX_PIECES);
    const [first, last] = [ranges[0], ranges.at(-1)];
    if (!first || !last) return undefined;
    const batch = { from: first.from, to: last.to, ranges, emptyBefore: this.emptyBatches };
    this.#chunks.set(batch.from, batch);
    return batch;
  }

  #take(count: number): PositionRange | undefined {
    const range = this.#ranges.take(count);
    if (range) this.#chunks.set(range.from, range);
    return range;
  }

  /** Called when a chunk has ended: adds its counts, and takes back what it left. */
  chunkEnded(chunk: Chunk, result: ExecuteResult | undefined): void {
    const { to } = this.#chunks.get(chunk.from) ?? chunk;
    this.#chunks.delete(chunk.from);
    this.#waits.delete(chunk.from);
    this.#runsSoFar.delete(chunk.from);
    const left = chunk.ranges ? (result?.left ?? chunk.ranges) : [{ from: result?.next ?? chunk.from, to }];
    for (const range of left) this.#ranges.giveBack(range);
    if (!result) return;
    if (result.dealing) this.#dealing = result.dealing;
    const { success, failed, cancelled, elapsed_ms } = this.#counts;
    this.#counts = {
      success: success + result.success,
      failed: failed + result.failed,
      cancelled: cancelled + result.cancelled,
      elapsed_ms: elapsed_ms + result.elapsed_ms,
    };
    this.#means = mergeMeans(this.#means, result.means);
    this.#digest = mergeDigests(this.#digest, result.digest);
    this.workerOffers(result.worker, result.slots);
  }

  /** Called when a batch has ended. Batches that ran at the same time and were ended by the same cause count as one. */
  batchEnded({ emptyBefore }: Chunk, { success, failed, cancelled, job }: ExecuteResult): void {
    if (success + failed + cancelled > 0) this.emptyBatches = 0;
    else if (job && emptyBefore === this.emptyBatches) this.emptyBatches++;
  }

  /** What a chunk won't start any more goes to others before it has ended. */
  chunkTells({ from, next, waits, runs, dealing }: Omit<ChunkNotice, 'submission'>): void {
    const chunk = this.#chunks.get(from);
    if (!chunk && this.#plan) return;
    if (waits) this.#waits.set(from, waits);
    else if (waits === null) this.#waits.delete(from);
    if (!chunk) return;
    if (runs) this.#runsSoFar.set(from, runs);
    if (next !== undefined && next > from && next < chunk.to && !chunk.ranges) {
      this.#chunks.set(from, { from, to: next });
      this.#ranges.giveBack({ from: next, to: chunk.to });
      this.offers++;
    }
    if (dealing && this.#dealing) {
      this.#dealing = dealing;
      this.offers++;
    }
  }

  /** Hands out again the runs that have no record in the store. */
  requeue(missing: readonly PositionRange[], recorded: number): void {
    this.emptyRounds = recorded > this.recorded ? 0 : this.emptyRounds + 1;
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
      counts: this.#counts,
      means: this.#means,
      digest: this.#digest,
      workers: this.#workers.toJSON(),
      recorded: this.recorded,
      barrenRounds: this.emptyRounds,
      unwritable: this.unwritable,
      cancelled: this.cancelled,
      dealing: this.#dealing,
    };
  }

  /** @param pause the experiment's; null if it isn't paused */
  status(pause: PauseState | null): SubmissionStatus {
    const reused = this.#plan?.reused ?? { success: 0, failed: 0, cancelled: 0 };
    return {
      submission: this.request.submission,
      ...this.#standing(pause),
      total: this.#plan?.total ?? 0,
      reused: reused.success + reused.failed + reused.cancelled,
      success: this.#counts.success,
      failed: this.#counts.failed,
      cancelled: this.#counts.cancelled,
      // A batch's live file shows how many of its runs are in progress.
      running: this.#dealing ? 0 : Math.min(this.#chunks.size, this.slots),
      chunks: [...this.#chunks.keys()],
      chunk_ends: [...this.#chunks.values()].map(({ to }) => to),
      means: this.#means,
      digest: this.#digest,
      yields: this.yields,
      paused: pause !== null,
      pause,
    };
  }

  #standing(pause: PauseState | null): Pick<SubmissionStatus, 'phase' | 'reason'> {
    const [waits] = this.#waits.values();
    if (this.cancelled !== null)
      return { phase: 'cancelling', reason: waits ? `${this.cancelled}; ${waits}` : this.cancelled };
    if (this.unwritable !== null) return { phase: 'waiting', reason: this.unwritable };
    if (pause !== null) return { phase: 'paused', reason: pause.reason || null };
    if (waits !== undefined) return { phase: 'waiting', reason: waits };
    return { phase: this.phase, reason: null };
  }
}
