import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

/** As much as is written at once: 64 KiB costs 0.3 ns a byte, 4 KiB four times that. */
export const FLUSH_BYTES = 64 * 1024;

/** `{host}-{pid}-{random}`: one process, and one start of it, even where pids and host names come again. */
export function newWriterName(): string {
  const host =
    hostname()
      .replace(/[^A-Za-z0-9._]/g, '_')
      .slice(0, 64) || 'host';
  const random = randomBytes(5).toString('hex');
  return `${host}-${process.pid}-${random}`;
}

/**
 * Appends lines to a segment of its own, created exclusively at the first write. A failed write abandons it: nobody
 * repairs a segment, and readers drop its torn tail.
 */
export class SegmentWriter {
  readonly #folder: string;
  readonly #name: string;
  #fd: number | undefined;
  #buffer = Buffer.allocUnsafe(2 * FLUSH_BYTES);
  #used = 0;
  /** Where each buffered line ends, for telling which ones a short write has completed. */
  #ends: number[] = [];
  #bytes = 0;
  #lines = 0;
  #unsynced = false;
  #abandoned = false;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** Bytes that are written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Complete lines that are written. */
  get lines(): number {
    return this.#lines;
  }

  /** Bytes that wait for the next flush. */
  get pendingBytes(): number {
    return this.#used;
  }

  /** @param line without its newline */
  append(line: string): void {
    // UTF-8 has at most three bytes for each of a string's units.
    const most = line.length * 3 + 1;
    if (this.#used + most > this.#buffer.length) this.#grow(most);
    this.#used += this.#buffer.write(line, this.#used);
    this.#buffer[this.#used++] = 0x0a;
    this.#ends.push(this.#used);
  }

  /** Replaces the lines that wait for the next flush. */
  rewritePending(change: (line: string) => string): void {
    const lines = this.#buffer.toString('utf8', 0, this.#used).split('\n').slice(0, -1);
    this.#used = 0;
    this.#ends = [];
    for (const line of lines) this.append(change(line));
  }

  /** @throws the system's error, after which the segment is abandoned */
  flush(): void {
    if (this.#used === 0 || this.#abandoned) return;
    let written = 0;
    try {
      this.#fd ??= this.#create();
      this.#unsynced = true;
      while (written < this.#used)
        written += writeSync(this.#fd, this.#buffer, written, this.#used - written);
      this.#lines += this.#ends.length;
    } catch (error) {
      this.#abandoned = true;
      this.#lines += this.#ends.filter((end) => end <= written).length;
      throw error;
    } finally {
      this.#bytes += written;
      this.#used = 0;
      this.#ends = [];
    }
  }

  /** What was flushed survives a power failure once this returns. Costs nothing where nothing was flushed. */
  sync(): void {
    if (!this.#unsynced || this.#fd === undefined) return;
    fsyncSync(this.#fd);
    this.#unsynced = false;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #create(): number {
    mkdirSync(this.#folder, { recursive: true });
    const fd = openSync(join(this.#folder, this.#name), 'ax');
    syncFolder(this.#folder);
    syncFolder(dirname(this.#folder));
    return fd;
  }

  #grow(most: number): void {
    const buffer = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#used + most));
    this.#buffer.copy(buffer, 0, 0, this.#used);
    this.#buffer = buffer;
  }
}

/** A new file's name must survive a power failure too. Some network filesystems can't sync folders: they need not. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EBADF', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  } finally {
    closeSync(fd);
  }
}
