import { readFileSync, statSync } from 'node:fs';
import type { DerivedResult } from '../../definition/derivation.js';
import type { ArtifactContent, LogLevel } from '../../definition/record.js';
import type { Cell } from '../../identity/cells.js';
import type { RunSink } from '../../operation/run-sink.js';
import { derivedLine } from '../../storage/file/formats/derived.js';
import { MAX_PACKED_BYTES } from '../../storage/file/formats/pack.js';
import { PackWriter } from '../../storage/file/formats/pack-writer.js';
import { FLUSH_BYTES, SegmentWriter } from '../../storage/file/formats/segment-writer.js';
import { dataLine, logLine, seriesLine } from '../../storage/file/formats/sidecars.js';
import { segmentName, segmentsFolder } from '../../storage/file/layout.js';
import { ArtifactFiles } from './artifact-files.js';
import { isFullOrBroken } from './store-fault.js';

/** A run's first lines of log are written immediately, up to this number, so that a crash does not lose them. */
const LINES_WRITTEN_AT_ONCE = 100;
const LOG_FLUSH_MS = 10;

/** Where runs save everything but their records: one sink for all of a slot's runs. */
export class RunOutputs implements RunSink {
  readonly #logs: SegmentWriter;
  readonly #series: SegmentWriter;
  readonly #data: SegmentWriter;
  readonly #derived: SegmentWriter;
  readonly #packs: PackWriter;
  readonly #artifacts: ArtifactFiles;
  readonly #onFault: (error: unknown) => void;
  #cell: Cell | undefined;
  #attempt = 0;
  #logLines = 0;
  #logFlushedAt = 0;
  /** The first error: lines have been lost since, of any run. */
  #failed: { readonly error: unknown } | undefined;

  /** @param onFault gets the error if the store can't be written, which is not the current run's failure */
  constructor(folder: string, submission: string, writer: string, onFault: (error: unknown) => void) {
    const segments = segmentsFolder(folder, submission);
    this.#logs = new SegmentWriter(segments, segmentName('logs', writer));
    this.#series = new SegmentWriter(segments, segmentName('series', writer));
    this.#data = new SegmentWriter(segments, segmentName('data', writer));
    this.#derived = new SegmentWriter(segments, segmentName('derived', writer));
    this.#packs = new PackWriter(folder, submission, writer);
    this.#artifacts = new ArtifactFiles(folder);
    this.#onFault = onFault;
  }

  /** Attributes further output to this attempt. */
  begin(cell: Cell, attempt: number): void {
    this.#cell = cell;
    this.#attempt = attempt;
    this.#logLines = 0;
  }

  log(level: LogLevel, message: string): void {
    if (this.#cell) this.logOf(this.#cell, this.#attempt, level, message);
  }

  /** Logs for an attempt that may have ended already. */
  logOf(cell: Cell, attempt: number, level: LogLevel, message: string): void {
    const now = Date.now();
    this.#append(this.#logs, logLine(cell, attempt, now, level, message));
    this.#logLines++;
    if (this.#logLines <= LINES_WRITTEN_AT_ONCE || Math.abs(now - this.#logFlushedAt) >= LOG_FLUSH_MS) {
      this.#logFlushedAt = now;
      this.#try(() => this.#logs.flush());
    }
  }

  series(name: string, step: number, value: number): void {
    this.#append(this.#series, seriesLine(this.#cell!, this.#attempt, name, step, value));
  }

  data(name: string, json: string): void {
    this.#append(this.#data, dataLine(this.#cell!, this.#attempt, name, json));
  }

  /** @param code the fingerprint of the derivation's code */
  derived(cell: Cell, attempt: number, code: string, result: DerivedResult): void {
    const { runId: run_id, generation } = cell;
    this.#append(this.#derived, derivedLine({ run_id, attempt, generation }, code, result));
  }

  /** How much of the segments is written: what the next run adds comes behind. */
  get written(): { readonly [kind in 'logs' | 'series' | 'data']: number } {
    return { logs: this.#logs.bytes, series: this.#series.bytes, data: this.#data.bytes };
  }

  store(bytes: Uint8Array): ArtifactContent {
    const place = bytes.length <= MAX_PACKED_BYTES ? this.#packs : this.#artifacts;
    return this.#try(() => place.store(bytes));
  }

  storeFile(path: string): ArtifactContent {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry?.isFile() && entry.size <= MAX_PACKED_BYTES) return this.store(readFileSync(path));
    try {
      return this.#artifacts.storeFile(path);
    } catch (error) {
      if (isFullOrBroken(error)) this.#onFault(error);
      throw error;
    }
  }

  /** Called before records are flushed, so that a record never refers to lost lines. Throws the system's error. */
  flush(): void {
    if (this.#failed) throw this.#failed.error;
    this.#logs.flush();
    this.#series.flush();
    this.#data.flush();
    this.#derived.flush();
    this.#packs.flush();
  }

  /** Rejects with the system's error. */
  async sync(): Promise<void> {
    this.#logs.sync();
    this.#series.sync();
    this.#data.sync();
    this.#derived.sync();
    this.#packs.sync();
    await this.#artifacts.sync();
  }

  #append(segment: SegmentWriter, line: string): void {
    segment.append(line);
    if (segment.pendingBytes >= FLUSH_BYTES) this.#try(() => segment.flush());
  }

  #try<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      this.#failed ??= { error };
      this.#onFault(error);
      throw error;
    }
  }
}
