import type { ExecuteResult, PlanResult } from '../activities/contract.js';
import { mergeMeans, type RunningMeans } from '../definition/running-mean.js';
import { chunkSize } from './chunk-size.js';
import type { Phase, SubmissionRequest, SubmissionStatus } from './contract.js';
import { type Range, Ranges } from './ranges.js';

/** What continue-as-new carries over. */
export interface SubmissionSnapshot {
  readonly request: SubmissionRequest;
  readonly started_at: string;
  readonly plan: PlanResult | null;
  readonly ranges: readonly Range[];
  readonly counts: Counts;
  readonly means: RunningMeans;
  readonly workers: { readonly [worker: string]: number };
  readonly recorded: number;
  readonly barrenRounds: number;
  /** Absent where an earlier build wrote it. */
  readonly unwritable?: string | null;
  readonly cancelled?: string | null;
}

export interface Counts {
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Milliseconds that their chunks took, slots' time added up. */
  readonly elapsed_ms: number;
}

/** One submission in progress: which positions are left, what was reported. No Temporal in it. */
export class SubmissionState {
  readonly request: SubmissionRequest;
  readonly startedAt: string;
  phase: Extract<Phase, 'planning' | 'running' | 'settling'>;
  /** Why nothing can be written to the store, while that is so. */
  unwritable: string | null;
  /** Why it is being cancelled. */
  cancelled: string | null;
  /** Rounds of settling, one after the other, that found runs missing and nothing newly recorded. */
  barrenRounds: number;
  /** Records that the store had at the last settling. */
  recorded: number;
  #plan: PlanResult | null;
  #ranges: Ranges;
  #counts: Counts;
  #means: RunningMeans;
  /** Slots by worker: of the one that planned, and of every one that got a chunk and is not known to have ended. */
  readonly #workers: { [worker: string]: number };
  /** The first runs are long: one more waits, so that a worker that comes before any has ended gets it, and is known. */
  waitsForNewcomers = false;
  /** Grows with every change of what workers offer or give back. */
  offers = 0;
  /** Chunks that may go on for long are to come back. */
  yields = false;
  /** The chunks that are in slots now, by their first positions. */
  readonly #chunks = new Map<number, Range>();

  constructor(snapshot: SubmissionSnapshot) {
    this.request = snapshot.request;
    this.startedAt = snapshot.started_at;
    this.barrenRounds = snapshot.barrenRounds;
    this.recorded = snapshot.recorded;
    this.unwritable = snapshot.unwritable ?? null;
    this.cancelled = snapshot.cancelled ?? null;
    this.phase = snapshot.plan ? 'running' : 'planning';
    this.#plan = snapshot.plan;
    this.#ranges = new Ranges(snapshot.ranges);
    this.#counts = snapshot.counts;
    this.#means = snapshot.means;
    this.#workers = { ...snapshot.workers };
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

  get counts(): Counts {
    return this.#counts;
  }

  /** Chunks that are handed out: in slots, or waiting for one. */
  get chunks(): number {
    return this.#chunks.size;
  }

  /** Those, by their first positions. */
  get handedOut(): ReadonlyMap<number, Range> {
    return this.#chunks;
  }

  get hasRanges(): boolean {
    return this.#ranges.size > 0;
  }

  planned(plan: PlanResult): void {
    this.#plan = plan;
    this.#workers[plan.worker] = plan.slots;
    this.#ranges = new Ranges([{ from: 0, to: plan.positions }]);
    this.phase = 'running';
  }

  /** How many slots do the submission's chunks. */
  get slots(): number {
    return Math.max(1, this.request.options.slots ?? this.#offered);
  }

  /**
   * How many chunks may be handed out at once: one more than there are slots, so that a slot that becomes free finds the
   * next one waiting (20 ms sooner). Not before the first report: the first chunks are large, and the one that waits may
   * wait long, since task queues keep no order. Nor where workers would have slots for more than was asked for.
   */
  get window(): number {
    const oneWaits = this.hasReported || this.waitsForNewcomers;
    return oneWaits && this.slots >= this.#offered ? this.slots + 1 : this.slots;
  }

  get hasReported(): boolean {
    const { success, failed, cancelled } = this.#counts;
    return success + failed + cancelled > 0;
  }

  workerOffers(worker: string, slots: number): void {
    if (this.#workers[worker] === slots) return;
    if (slots > 0) this.#workers[worker] = slots;
    else delete this.#workers[worker];
    this.offers++;
  }

  get #offered(): number {
    return Object.values(this.#workers).reduce((sum, slots) => sum + slots, 0);
  }

  nextChunk(): Range | undefined {
    const { success, failed, cancelled, elapsed_ms } = this.#counts;
    const runs = success + failed + cancelled;
    const mean = runs > 0 ? elapsed_ms / runs : undefined;
    // Nothing is known of how long it takes: it must not keep much from others.
    if (mean === undefined && this.#chunks.size >= this.slots) return this.#take(1);
    return this.#take(
      chunkSize(this.#ranges.size, this.slots, Math.max(1, this.slots - this.#chunks.size), mean),
    );
  }

  #take(count: number): Range | undefined {
    const range = this.#ranges.take(count);
    if (range) this.#chunks.set(range.from, range);
    return range;
  }

  /** A chunk has ended: its counts are added, and what it left goes back. */
  chunkEnded(range: Range, result: ExecuteResult | undefined): void {
    const { to } = this.#chunks.get(range.from) ?? range;
    this.#chunks.delete(range.from);
    this.#ranges.giveBack({ from: result?.next ?? range.from, to });
    if (!result) return;
    const { success, failed, cancelled, elapsed_ms } = this.#counts;
    this.#counts = {
      success: success + result.success,
      failed: failed + result.failed,
      cancelled: cancelled + result.cancelled,
      elapsed_ms: elapsed_ms + result.elapsed_ms,
    };
    this.#means = mergeMeans(this.#means, result.means);
    this.workerOffers(result.worker, result.slots);
  }

  /** A chunk starts nothing from `next` on: that goes to others before it has ended. */
  chunkEndsAt(from: number, next: number): void {
    const chunk = this.#chunks.get(from);
    if (!chunk || next <= from || next >= chunk.to) return;
    this.#chunks.set(from, { from, to: next });
    this.#ranges.giveBack({ from: next, to: chunk.to });
    this.offers++;
  }

  /** Runs that the store has no record of go round again. */
  goRound(missing: readonly Range[], recorded: number): void {
    this.barrenRounds = recorded > this.recorded ? 0 : this.barrenRounds + 1;
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
      workers: this.#workers,
      recorded: this.recorded,
      barrenRounds: this.barrenRounds,
      unwritable: this.unwritable,
      cancelled: this.cancelled,
    };
  }

  /** @param paused why the experiment is paused; null where it isn't */
  status(paused: string | null): SubmissionStatus {
    const reused = this.#plan?.reused ?? { success: 0, failed: 0, cancelled: 0 };
    return {
      submission: this.request.submission,
      ...this.#standing(paused),
      total: this.#plan?.total ?? 0,
      reused: reused.success + reused.failed + reused.cancelled,
      success: this.#counts.success,
      failed: this.#counts.failed,
      cancelled: this.#counts.cancelled,
      running: Math.min(this.#chunks.size, this.slots),
      chunks: [...this.#chunks.keys()],
      chunk_ends: [...this.#chunks.values()].map(({ to }) => to),
      means: this.#means,
      yields: this.yields,
    };
  }

  #standing(paused: string | null): Pick<SubmissionStatus, 'phase' | 'reason'> {
    if (this.cancelled !== null) return { phase: 'cancelling', reason: this.cancelled };
    if (this.unwritable !== null) return { phase: 'waiting', reason: this.unwritable };
    if (paused !== null) return { phase: 'paused', reason: paused };
    return { phase: this.phase, reason: null };
  }
}
