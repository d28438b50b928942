import type { RunRecord, RunStatus } from '../../definition/record.js';
import { FLUSH_BYTES, SegmentWriter } from '../../storage/file/formats/segment-writer.js';
import { segmentName, segmentsFolder } from '../../storage/file/layout.js';
import type { ContextGuard } from '../run/context-guard.js';
import type { RunOutputs } from './run-outputs.js';

/** A record is flushed at this age, so a crash loses at most this much. */
const FLUSH_MS = 10;
/** If checking the context's files takes long, at most this share of the time is spent on it. */
const CHECK_SHARE = 1 / 20;

/** Counts of records that are written. */
export interface Written {
  success: number;
  failed: number;
  cancelled: number;
}

/**
 * Appends records to the slot's segment: buffered, after a check of the context's files, and never before the run's
 * outputs.
 */
export class RecordWriter {
  readonly #segment: SegmentWriter;
  readonly #outputs: RunOutputs;
  readonly #guard: ContextGuard;
  #pending: RunStatus[] = [];
  #oldest = 0;
  #written: Written = { success: 0, failed: 0, cancelled: 0 };
  /** What has changed in the context. Runs can't succeed until that is undone. */
  contextChange: string | undefined;

  constructor(folder: string, submission: string, writer: string, outputs: RunOutputs, guard: ContextGuard) {
    this.#segment = new SegmentWriter(segmentsFolder(folder, submission), segmentName('records', writer));
    this.#outputs = outputs;
    this.#guard = guard;
  }

  /** Bytes of the segment that are written. */
  get bytes(): number {
    return this.#segment.bytes;
  }

  get written(): Readonly<Written> {
    return this.#written;
  }

  /** Begins a chunk: resets the counts, and checks the context's files again. */
  begin(): void {
    this.#written = { success: 0, failed: 0, cancelled: 0 };
    this.contextChange = this.#guard.check();
  }

  /** @param now monotonic milliseconds */
  append(line: string, status: RunStatus, now: number): void {
    if (this.#pending.length === 0) this.#oldest = now;
    this.#pending.push(status);
    this.#segment.append(line);
  }

  /**
   * Whether the buffer is large or old enough to be flushed. After a run of a millisecond the cost of a flush does not
   * matter.
   */
  isDue(now: number, lastRunMs: number): boolean {
    if (this.#pending.length === 0) return false;
    const age = now - this.#oldest;
    if (age + lastRunMs < this.#guard.costMs / CHECK_SHARE) return false;
    return age >= FLUSH_MS || lastRunMs >= 1 || this.#segment.pendingBytes >= FLUSH_BYTES;
  }

  /** @throws the system's error; `written` then counts what was written nevertheless */
  flush(): void {
    if (this.#pending.length > 0 && this.#guard.hasFiles) this.#checkContext();
    const before = this.#segment.lines;
    try {
      this.#flushOutputs();
      this.#segment.flush();
    } finally {
      const flushed = this.#segment.lines - before;
      for (let line = 0; line < flushed; line++) this.#written[this.#pending[line]!]++;
      this.#pending = [];
    }
  }

  /** A record whose series, data or log could not be written must not count, so that its run is executed again. */
  #flushOutputs(): void {
    try {
      this.#outputs.flush();
    } catch (error) {
      this.#segment.abandon();
      throw error;
    }
  }

  /** @throws the system's error: then nothing since the last call is sure to be on disk */
  async sync(): Promise<void> {
    await this.#outputs.sync();
    this.#segment.sync();
  }

  /** A run during which a context file changed may have read either version, so it can't be a success. */
  #checkContext(): void {
    this.contextChange ??= this.#guard.check();
    if (this.contextChange === undefined || !this.#pending.includes('success')) return;
    const error = contextError(this.contextChange);
    this.#segment.rewritePending((line) => {
      const record = JSON.parse(line) as RunRecord;
      return record.status === 'success' ? JSON.stringify({ ...record, status: 'failed', error }) : line;
    });
    this.#pending = this.#pending.map((status) => (status === 'success' ? 'failed' : status));
  }
}

export const contextError = (message: string) => ({ type: 'ContextChangedError', message });
