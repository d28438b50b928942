import { describeError, type ErrorDescription } from '../definition/errors.js';
import { MeanCounter } from '../definition/mean-counter.js';
import type { Objective } from '../definition/objective.js';
import { DigestCounter } from '../definition/run-digest.js';
import type { Cell, Cells } from '../identity/cells.js';
import type { PlanSlice } from '../storage/file/formats/plan-entries.js';
import type { Outcome, RecordLines } from '../storage/file/formats/record-line.js';
import { LineSplitter } from './outputs/line-splitter.js';
import { contextError, type RecordWriter } from './outputs/record-writer.js';
import type { RunOutputs } from './outputs/run-outputs.js';
import { storeFaultCode } from './outputs/store-fault.js';
import { monotonicMs, type SlotStatusFile } from './protocol/note.js';
import type { ChunkReport, ChunkRequest, FromSlot, LostRun } from './protocol/protocol.js';
import type { RunExecutor } from './run/execute-run.js';
import type { RunDerivations } from './run/run-derivations.js';

/** How often messages are checked between runs. */
const TURN_MS = 10;
const PROGRESS_MS = 250;

export interface ChunkParts {
  readonly cells: Cells;
  readonly executor: RunExecutor;
  readonly lines: RecordLines;
  readonly records: RecordWriter;
  readonly outputs: RunOutputs;
  readonly note: SlotStatusFile;
  readonly retries: number;
  readonly objective: Objective | undefined;
  /** Undefined if the experiment declares none. */
  readonly derivations: RunDerivations | undefined;
  readonly send: (message: FromSlot) => void;
}

/** How a chunk ended: its report's counts are correct even with a fault. */
export interface ChunkEnd {
  readonly report: ChunkReport;
  readonly fault: { readonly code: string; readonly error: ErrorDescription } | undefined;
  /** The current length of the segment of records. */
  readonly segment_bytes: number;
}

/** Executes a range of positions in order. A slot executes one range at a time. */
export class Chunk {
  readonly #parts: ChunkParts;
  readonly #order: ChunkRequest;
  readonly #means = new MeanCounter();
  readonly #digest: DigestCounter;
  #failed = 0;
  #stopped = false;
  #fault: ChunkEnd['fault'];
  #busyMs = 0;
  /** The record of the run that has just succeeded, if there are metrics to derive. */
  #succeeded: string | undefined;
  /** Monotonic time at the end of the last run, and its duration. */
  #now = performance.now();
  #lastRunMs = 0;
  #turnedAt = this.#now;
  #progressAt = this.#now;
  #flushTimer: NodeJS.Timeout | undefined;

  constructor(parts: ChunkParts, order: ChunkRequest) {
    this.#parts = parts;
    this.#order = order;
    this.#digest = new DigestCounter(parts.objective);
  }

  async run(slice: PlanSlice): Promise<ChunkEnd> {
    const { from, to, budget_ms, budget_since = monotonicMs() } = this.#order;
    const { cells, records } = this.#parts;
    const deadline = this.#now + budget_ms - (monotonicMs() - budget_since);
    const lost = new Map(this.#order.lost.map((run) => [run.position, run]));
    records.begin();
    for (let position = from; position < to && !this.#stopped && !this.#fault; position++) {
      const cell = cells.at(slice.cellAt(position), position, slice.generationAt(position));
      this.#parts.derivations?.begin();
      const waiting = this.#execute(cell, lost.get(position));
      if (waiting) await waiting;
      if (this.#succeeded) await this.#derive(cell, this.#succeeded);
      if (records.isDue(this.#now, this.#lastRunMs)) this.flush();
      if (this.#now - this.#turnedAt >= TURN_MS) await this.#turn();
      if (this.#now >= deadline) break;
    }
    clearTimeout(this.#flushTimer);
    return this.#end();
  }

  /** No further run starts. */
  stop(): void {
    this.#stopped = true;
  }

  /** The store can't be written: no further run starts, and unwritten runs don't count. */
  fail(error: unknown): void {
    this.#fault ??= { code: storeFaultCode(error), error: describeError(error) };
    this.#stopped = true;
  }

  onOutcome(cell: Cell, outcome: Outcome): void {
    this.#now = performance.now();
    this.#lastRunMs = outcome.durationMs;
    this.#busyMs += outcome.durationMs;
    if (this.#fault) return;
    const metrics = outcome.capture?.collectedMetrics;
    if (metrics && outcome.status === 'success') this.#means.add(metrics);
    this.#digest.add(cell.index, outcome.status, metrics, outcome.error);
    if (outcome.status === 'failed' && ++this.#failed >= (this.#order.most_failures ?? Infinity)) this.stop();
    const { records, lines, derivations } = this.#parts;
    const line = lines.line(cell, outcome);
    records.append(line, outcome.status, this.#now);
    if (derivations && outcome.status === 'success') this.#succeeded = line;
  }

  /** While an operation is awaited, earlier records are still flushed and reported in time. */
  onWait(): void {
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined;
      this.flush();
      this.#tell(performance.now());
      this.#parts.executor.releaseEventLoop();
    }, TURN_MS);
  }

  /** Writes buffered records; an error becomes the chunk's fault. */
  flush(): void {
    try {
      this.#parts.records.flush();
    } catch (error) {
      this.fail(error);
    }
  }

  #execute(cell: Cell, lost: LostRun | undefined): Promise<void> | undefined {
    const { executor, records, retries } = this.#parts;
    if (lost && (lost.cancelled || lost.attempt > retries)) return this.#recordLost(cell, lost);
    if (records.contextChange !== undefined) return this.#recordChanged(cell, records.contextChange);
    return executor.execute(cell, lost ? lost.attempt + 1 : 1);
  }

  /** The record is written first: whatever a derivation does costs no run. */
  async #derive(cell: Cell, line: string): Promise<void> {
    this.#succeeded = undefined;
    this.flush();
    const { derivations, records, note } = this.#parts;
    if (this.#fault || records.contextChange !== undefined) return;
    note.running(cell.position, 1, Date.now());
    await derivations!.derive(cell, line);
    this.#now = performance.now();
  }

  #recordLost(cell: Cell, lost: LostRun): undefined {
    const { attempt, duration_ms: durationMs, max_rss_bytes } = lost;
    const startedAt = Date.parse(lost.started_at);
    this.#parts.outputs.begin(cell, attempt);
    const lines = new LineSplitter((line) => {
      if (line !== '') this.#parts.outputs.log('stderr', line);
    });
    lines.write(lost.output);
    lines.end();
    this.onOutcome(cell, {
      status: lost.cancelled ? 'cancelled' : 'failed',
      attempt,
      startedAt,
      finishedAt: startedAt + Math.round(durationMs),
      durationMs,
      error: lost.cancelled ? null : lost.error,
      capture: undefined,
      provenance: max_rss_bytes === undefined ? undefined : { max_rss_bytes },
    });
  }

  #recordChanged(cell: Cell, message: string): undefined {
    const now = Date.now();
    const error = contextError(message);
    this.onOutcome(cell, {
      status: 'failed',
      attempt: 1,
      startedAt: now,
      finishedAt: now,
      durationMs: 0,
      error,
      capture: undefined,
    });
  }

  /** Lets the event loop handle messages, timers and unhandled errors. */
  async #turn(): Promise<void> {
    if (this.#now - this.#progressAt >= PROGRESS_MS) this.#tell(this.#now);
    this.#parts.note.idle();
    await new Promise(setImmediate);
    this.#now = performance.now();
    this.#turnedAt = this.#now;
  }

  #tell(now: number): void {
    const { records, send } = this.#parts;
    this.#progressAt = now;
    const report = { ...records.written, ...this.#sums() };
    send({ type: 'progress', report, segment_bytes: records.bytes });
  }

  #sums() {
    return { busy_ms: this.#busyMs, means: this.#means.toMeans(), digest: this.#digest.toDigest() };
  }

  async #end(): Promise<ChunkEnd> {
    const { records, note } = this.#parts;
    this.flush();
    note.idle();
    let counts = records.written;
    try {
      await records.sync();
    } catch (error) {
      this.fail(error);
      counts = { success: 0, failed: 0, cancelled: 0 };
    }
    const next = this.#order.from + counts.success + counts.failed + counts.cancelled;
    const report = { next, ...counts, ...this.#sums() };
    return { report, fault: this.#fault, segment_bytes: records.bytes };
  }
}
