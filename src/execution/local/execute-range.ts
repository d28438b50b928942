import { tmpdir } from 'node:os';
import { formatFolderFault } from '../../access/private-folder.js';
import { describeError } from '../../definition/errors.js';
import { mergeDigests } from '../../definition/run-digest.js';
import { mergeMeans } from '../../definition/running-mean.js';
import { monotonicMs } from '../../runner/protocol/note.js';
import type { ChunkReport, ChunkRequest, LostRun } from '../../runner/protocol/protocol.js';
import { ExecutionFault } from '../execution-fault.js';
import type { Executor, RangeRequest } from '../executor.js';
import { readRecordedTail } from './recorded-tail.js';
import { describeDeath, isOfMemory, lostRun, type SlotDeath } from './slot-death.js';
import type { SlotPool } from './slot-pool.js';
import type { SlotEnd, SlotProcess } from './slot-process.js';
import { SlotWatch } from './slot-watch.js';

type Options = Parameters<Executor['execute']>[1];
type Counts = Omit<ChunkReport, 'next'>;

/** When this many slots in a row die with no run in progress and nothing recorded, further ones would too. */
const MAX_DEATHS_FOR_NOTHING = 2;
/** With less budget left than this, a slot that takes over from a dead one only records the run that died with it. */
const MIN_BUDGET_MS = 1_000;
/** No run has failed because of it: the next worker to take the range finds what is recorded and does the rest. */
const WORKER_ENDS = { type: 'WorkerEnded', message: 'the worker ended before the run did' };
const NO_LIMIT_MS = 2 ** 31 - 1;

/** Executes one range, with as many slots in succession as needed. */
export class RangeExecution {
  readonly #range: RangeRequest;
  readonly #pool: SlotPool;
  readonly #options: Options;
  readonly #deadline: number;
  readonly #lost = new Map<number, LostRun>();
  #report: ChunkReport;
  #stopped: 'yield' | 'cancel' | undefined;
  #active: { readonly slot: SlotProcess; readonly watch: SlotWatch | undefined } | undefined;
  #deathsForNothing = 0;

  constructor(range: RangeRequest, pool: SlotPool, options: Options) {
    this.#range = range;
    this.#pool = pool;
    this.#options = options;
    this.#deadline = performance.now() + range.order.budget_ms;
    this.#report = { next: range.order.from, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };
  }

  /** @throws ExecutionFault if the executor failed; its report still says what is done */
  async run(): Promise<ChunkReport> {
    const forget = this.#options.signal.onStop((how) => this.#stop(how));
    try {
      while (this.#report.next < this.#range.order.to && !(this.#stopped && this.#lost.size === 0)) {
        if (this.#pool.closed) throw this.#closed();
        const slot = this.#take();
        const end = await this.#useSlot(slot);
        if (end?.kind === 'death') await this.#handleDeath(slot, end.death);
        else if (!end || !this.#range.isolate || this.#isEnough()) break;
      }
      return this.#report;
    } finally {
      forget();
    }
  }

  /** With a process for each run, a slot can't tell by itself. */
  #isEnough(): boolean {
    const { most_failures = Infinity } = this.#range.order;
    return performance.now() >= this.#deadline || this.#report.failed >= most_failures;
  }

  #stop(how: 'yield' | 'cancel'): void {
    if (this.#stopped !== 'cancel') this.#stopped = how;
    if (!this.#active) return;
    const { slot, watch } = this.#active;
    // A slot that has not begun yet need not be waited for.
    if (!watch && this.#lost.size === 0) this.#pool.drop(slot);
    else slot.stop(how);
    if (how === 'cancel') watch?.cancelled();
  }

  /** @returns how the slot's part of the range ended; undefined if it did not begin */
  async #useSlot(slot: SlotProcess): Promise<SlotEnd | undefined> {
    this.#active = { slot, watch: undefined };
    const notReady = await slot.ready();
    if (!notReady) this.#options.onBegin?.();
    if (this.#stopped && this.#lost.size === 0) {
      this.#pool.give(slot);
      return undefined;
    }
    if (notReady) return this.#accept(slot, notReady);
    const watch = new SlotWatch(slot, this.#range.timeout_ms, (progress) => this.#show(progress));
    this.#active = { slot, watch };
    try {
      return this.#accept(slot, await slot.execute(this.#order()));
    } finally {
      watch.close();
      this.#active = undefined;
    }
  }

  #order(): ChunkRequest {
    const { to, most_failures } = this.#range.order;
    const limit = most_failures && { most_failures: Math.max(1, most_failures - this.#report.failed) };
    const lost = [...this.#lost.values()];
    const rest = this.#deadline - performance.now();
    if (lost.length > 0 && (this.#stopped || rest < MIN_BUDGET_MS)) {
      const last = Math.max(...this.#lost.keys());
      return { from: this.#report.next, to: last + 1, budget_ms: NO_LIMIT_MS, lost, ...limit };
    }
    const budget = { budget_ms: Math.max(0, rest), budget_since: monotonicMs() };
    const from = this.#report.next;
    return { from, to: this.#range.isolate ? from + 1 : to, ...budget, lost, ...limit };
  }

  #accept(slot: SlotProcess, end: SlotEnd): SlotEnd {
    if (end.kind === 'report') this.#add(end.report);
    if (end.kind === 'fault') {
      this.#add(end.report);
      this.#pool.drop(slot);
      throw new ExecutionFault(end.code, end.error, this.#report);
    }
    if (this.#range.isolate) this.#pool.retire(slot);
    else this.#pool.give(slot);
    return end;
  }

  #take(): SlotProcess {
    try {
      return this.#pool.take(this.#range);
    } catch (error) {
      const path = this.#range.env.TMPDIR || tmpdir();
      const worded = formatFolderFault(error, { path, variable: 'TMPDIR' });
      if (worded === error) throw error;
      throw new ExecutionFault('SLOT_START', describeError(worded), this.#report);
    }
  }

  /** The runs in progress have not failed: the next worker to take the range executes them again. */
  #closed(run?: LostRun): ExecutionFault {
    const cut = [...this.#lost.values(), ...(run ? [run] : [])];
    return new ExecutionFault('CLOSED', WORKER_ENDS, this.#report, cut);
  }

  /** Counts what a dead slot has recorded, and notes the run that died with it. */
  async #handleDeath(slot: SlotProcess, death: SlotDeath): Promise<void> {
    const { writer, segmentBytes, progress } = slot;
    const { folder, submission } = slot.options.setup;
    const before = this.#report.next;
    const closed = this.#pool.closed;
    if (writer !== undefined) {
      this.#add(progress);
      this.#add(await readRecordedTail({ folder, submission, writer }, segmentBytes, this.#range.objective));
    }
    const { memory_escalations } = this.#range;
    const lost = lostRun(death, memory_escalations);
    const run = lost && lost.position >= this.#report.next ? lost : undefined;
    if (closed) throw this.#closed(run);
    if (run && this.#range.spare_memory && isOfMemory(death))
      throw new ExecutionFault('MEMORY', describeDeath(death, memory_escalations), this.#report, [run]);
    if (run) {
      this.#lost.set(run.position, this.#stopped === 'cancel' ? { ...run, cancelled: true } : run);
      this.#deathsForNothing = 0;
      return;
    }
    if (this.#report.next > before) {
      this.#deathsForNothing = 0;
      return;
    }
    this.#deathsForNothing++;
    if (this.#deathsForNothing < MAX_DEATHS_FOR_NOTHING && death.killed?.kind !== 'start') return;
    const error = describeDeath(death);
    const message = `slots die before they can do a run: ${error.message}`;
    throw new ExecutionFault('SLOT_CRASH', { ...error, message }, this.#report);
  }

  #add(counts: Counts): void {
    const { success, failed, cancelled, busy_ms, means, digest } = counts;
    const report = this.#report;
    this.#report = {
      next: report.next + success + failed + cancelled,
      success: report.success + success,
      failed: report.failed + failed,
      cancelled: report.cancelled + cancelled,
      busy_ms: report.busy_ms + busy_ms,
      means: mergeMeans(report.means, means),
      digest: mergeDigests(report.digest, digest),
    };
    for (const position of this.#lost.keys()) if (position < this.#report.next) this.#lost.delete(position);
  }

  #show(progress: Parameters<Options['onProgress']>[0]): void {
    const { success, failed, cancelled, means, digest } = this.#report;
    const { report, running, peak_rss_bytes } = progress;
    this.#options.onProgress({
      report: {
        success: success + report.success,
        failed: failed + report.failed,
        cancelled: cancelled + report.cancelled,
        means: mergeMeans(means, report.means),
        digest: mergeDigests(digest, report.digest),
      },
      running,
      peak_rss_bytes,
    });
  }
}
