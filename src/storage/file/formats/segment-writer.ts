import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { AppendOnlyFile } from './append-only-file.js';

/** As much as is written at once: 64 KiB costs 0.3 ns a byte, 4 KiB four times that. */
export const FLUSH_BYTES = 64 * 1024;

/**
 * `{host}-{pid}-{random}`: one process, and one start of it, even where pids and host names come again.
 *
 * @param prefix what comes before: which task of which array wrote a segment is told by its name
 */
export function newWriterName(prefix = ''): string {
  const host =
    hostname()
      .replace(/[^A-Za-z0-9._]/g, '_')
      .slice(0, 64) || 'host';
  const random = randomBytes(5).toString('hex');
  return `${prefix}${host}-${process.pid}-${random}`;
}

/**
 * Appends lines to a segment of its own, created exclusively at the first write. A failed write abandons it: nobody
 * repairs a segment, and readers drop its torn tail.
 */
export class SegmentWriter {
  readonly #file: AppendOnlyFile;
  /** Reused by every flush that it is large enough for: UTF-8 has at most three bytes for each of a string's units. */
  readonly #buffer = Buffer.allocUnsafe(4 * FLUSH_BYTES);
  /** Joined and encoded together at the flush: a line by itself takes 0.4 µs more. */
  #lines: string[] = [];
  #pending = 0;
  #written = 0;
  #abandoned = false;

  constructor(folder: string, name: string) {
    this.#file = new AppendOnlyFile(folder, name);
  }

  /** Bytes that are written. */
  get bytes(): number {
    return this.#file.bytes;
  }

  /** Complete lines that are written. */
  get lines(): number {
    return this.#written;
  }

  /** How much waits for the next flush: its bytes, or fewer where text is not ASCII. */
  get pendingBytes(): number {
    return this.#pending;
  }

  /** @param line without its newline */
  append(line: string): void {
    this.#lines.push(line);
    this.#pending += line.length + 1;
  }

  /** Replaces the lines that wait for the next flush. */
  rewritePending(change: (line: string) => string): void {
    const lines = this.#lines;
    this.#forget();
    for (const line of lines) this.append(change(line));
  }

  /** Nothing more is written, what waits neither: it would refer to what was lost. */
  abandon(): void {
    this.#abandoned = true;
    this.#forget();
  }

  /** @throws the system's error, after which the segment is abandoned */
  flush(): void {
    if (this.#lines.length === 0 || this.#abandoned) return;
    const bytes = this.#encode();
    const before = this.#file.bytes;
    try {
      this.#file.append(bytes);
      this.#written += this.#lines.length;
    } catch (error) {
      this.#abandoned = true;
      this.#written += countNewlines(bytes.subarray(0, this.#file.bytes - before));
      throw error;
    } finally {
      this.#forget();
    }
  }

  /** See `AppendOnlyFile.sync`. */
  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }

  #encode(): Uint8Array {
    const text = `${this.#lines.join('\n')}\n`;
    if (text.length * 3 > this.#buffer.length) return Buffer.from(text);
    return this.#buffer.subarray(0, this.#buffer.write(text));
  }

  #forget(): void {
    this.#lines = [];
    this.#pending = 0;
  }
}

/** Of JSON lines: a newline only ever ends one. */
const countNewlines = (bytes: Uint8Array) =>
  bytes.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
