import { isSameAttempt, type Note } from '../../runner/protocol/note.js';
import { CANCEL_GRACE_MS } from '../../runner/protocol/protocol.js';
import type { RangeProgress } from '../executor.js';
import { treeMemory } from './memory.js';
import type { SlotProcess } from './slot-process.js';

/** Reading the note and the memory of a slot costs 0.1 ms. */
const LOOK_MS = 100;
const SHOW_MS = 250;
/** A run that takes longer than this is shown as running. */
const LONG_RUN_MS = 1_000;
/** A slot interrupts its runs by itself, 1 s after their signal fired: a run still there after this time is blocked. */
const BLOCKED_MS = 2_000;

/** Watches a slot while it executes a chunk: its time, its memory, and, once cancelled, that it stops. */
export class SlotWatch {
  readonly #slot: SlotProcess;
  readonly #timeoutMs: number | null;
  readonly #onProgress: (progress: RangeProgress) => void;
  readonly #timer: NodeJS.Timeout;
  #run: Note | undefined;
  /** Monotonic times: when this run was first seen, and when other things happened. */
  #since = 0;
  #shownAt = 0;
  #peak = 0;
  #cancelledAt: number | undefined;

  constructor(slot: SlotProcess, timeoutMs: number | null, onProgress: (progress: RangeProgress) => void) {
    this.#slot = slot;
    this.#timeoutMs = timeoutMs;
    this.#onProgress = onProgress;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  cancelled(): void {
    this.#cancelledAt ??= performance.now();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (!this.#slot.alive) return;
    const now = performance.now();
    const elapsed = this.#elapsed(now);
    const { memoryBytes } = this.#slot.options;
    const usedBytes = treeMemory(this.#slot.pid!, memoryBytes) ?? 0;
    this.#peak = Math.max(this.#peak, usedBytes);
    if (usedBytes > memoryBytes) {
      // The reported peak must include the value that it was killed for.
      this.#shownAt = Number.NEGATIVE_INFINITY;
      this.#slot.kill({ kind: 'memory', usedBytes, run: this.#run });
    } else if (this.#timeoutMs !== null && elapsed > this.#timeoutMs + BLOCKED_MS) {
      this.#slot.kill({ kind: 'timeout', timeoutMs: this.#timeoutMs, run: this.#run });
    } else if (this.#cancelledAt !== undefined && now - this.#cancelledAt > CANCEL_GRACE_MS + BLOCKED_MS) {
      this.#slot.kill({ kind: 'cancel' });
    }
    if (now - this.#shownAt >= SHOW_MS) {
      this.#shownAt = now;
      this.#show(elapsed);
    }
  }

  /** How long the run in progress has been seen; 0 if there is none. */
  #elapsed(now: number): number {
    const note = this.#slot.files.readNote();
    if (note?.state === 'idle') this.#run = undefined;
    else if (note) {
      if (!this.#run || !isSameAttempt(this.#run, note)) this.#since = now;
      this.#run = note;
    }
    return this.#run ? now - this.#since : 0;
  }

  #show(elapsed: number): void {
    const run = this.#run;
    const { busy_ms: _, ...report } = this.#slot.progress;
    const running =
      run && elapsed > LONG_RUN_MS
        ? {
            position: run.position,
            attempt: run.attempt,
            started_at: new Date(run.started_at).toISOString(),
            progress: run.progress,
          }
        : null;
    this.#onProgress({ report, running, peak_rss_bytes: this.#peak });
  }
}
