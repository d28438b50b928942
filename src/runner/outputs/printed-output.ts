import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { LineSplitter } from './line-splitter.js';

type Level = 'stdout' | 'stderr';
type OnLine = (level: Level, line: string) => void;

/** At most this much of what native code and child processes print is kept per run: the end of it. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Takes over `process.stdout` and `process.stderr`, and with them `console`: while a run is in progress, its lines go
 * to `onLine`; before, to the file that the parent has opened. What bypasses them (native code, child processes) is
 * written to that file too, and {@link takeRaw} gets it for the run.
 */
export class PrintedOutput {
  readonly #streams: readonly [PrintStream, PrintStream];

  constructor(onLine: OnLine) {
    this.#streams = [new PrintStream('stdout', 1, onLine), new PrintStream('stderr', 2, onLine)];
    Object.defineProperty(process, 'stdout', {
      value: this.#streams[0],
      configurable: true,
      enumerable: true,
    });
    Object.defineProperty(process, 'stderr', {
      value: this.#streams[1],
      configurable: true,
      enumerable: true,
    });
  }

  /** Starts to pass lines to `onLine`. */
  open(): void {
    for (const stream of this.#streams) stream.toRun = true;
  }

  /** Ends lines that have no newline. */
  endLines(): void {
    for (const stream of this.#streams) stream.endLine();
  }

  /** Takes what bypassed the streams. If there is nothing, it costs two `fstat`s: 2 µs. */
  takeRaw(): void {
    for (const stream of this.#streams) stream.takeRaw();
  }
}

class PrintStream extends Writable {
  readonly isTTY = false;
  readonly fd: number;
  toRun = false;
  readonly #level: Level;
  readonly #onLine: OnLine;
  readonly #decoder = new StringDecoder('utf8');
  readonly #lines: LineSplitter;

  constructor(level: Level, fd: number, onLine: OnLine) {
    super({ decodeStrings: false });
    this.#level = level;
    this.fd = fd;
    this.#onLine = onLine;
    this.#lines = new LineSplitter((line) => onLine(level, line));
  }

  override _write(chunk: string | Uint8Array, _encoding: string, done: () => void): void {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.write(Buffer.from(chunk));
    if (this.toRun) this.#lines.write(text);
    else writeSync(this.fd, text);
    done();
  }

  endLine(): void {
    this.#lines.end();
  }

  takeRaw(): void {
    const { size } = fstatSync(this.fd);
    if (size === 0) return;
    const kept = Buffer.alloc(Math.min(size, MAX_BYTES));
    const read = readSync(this.fd, kept, 0, kept.length, size - kept.length);
    // The file is open for appending, so the next output starts at its beginning again, and it does not grow for ever.
    ftruncateSync(this.fd, 0);
    if (size > kept.length) this.#onLine(this.#level, `[${size - kept.length} bytes left out]`);
    const lines = new LineSplitter((line) => this.#onLine(this.#level, line));
    lines.write(kept.toString('utf8', 0, read));
    lines.end();
  }
}
