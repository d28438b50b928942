import { isUtf8 } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { isObject } from '../../../definition/type-guards.js';
import { faultCode, storeFault } from '../faults.js';

/** Whole lines of a segment, and where in it they begin. `bytes` is valid until the next chunk is asked for. */
export interface LineChunk {
  readonly bytes: Buffer;
  readonly offset: number;
}

/** Which lines: those that begin at `from` ≤ byte offset < `to`; by default all. `from` may be within a line. */
export interface LineRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** A line of many megabytes, which was not read: from its first byte to its newline. */
export interface LongLine {
  readonly from: number;
  readonly to: number;
}

/** Gets one line at a time, without its newline: `bytes` from `start` to `end`, valid only until it returns. */
export type LineListener = (bytes: Buffer, start: number, end: number, offset: number) => void;
/** Gets the offset of a line that can't be what it should be. */
export type CorruptListener = (offset: number) => void;

export const NEWLINE = 10;
const CHUNK_BYTES = 1 << 20;
/** Longer lines are not held in memory where somebody knows how to do without. */
export const LONG_LINE_BYTES = 8 << 20;

/**
 * Reads a segment in constant memory (that of its longest line). What stands after the last newline is a torn tail, or
 * being written: it is left out. A segment that is not there has no lines.
 *
 * @throws StoreError where the segment can't be read
 */
export async function* lineChunks(path: string, range: LineRange = {}): AsyncGenerator<LineChunk, void> {
  for await (const chunk of readLines(path, range, Number.POSITIVE_INFINITY)) yield chunk as LineChunk;
}

/** The same in constant memory: of a long line only where it is. */
export const lineChunksOrLong = (
  path: string,
  range: LineRange = {},
): AsyncGenerator<LineChunk | LongLine, void> => readLines(path, range, LONG_LINE_BYTES);

async function* readLines(
  path: string,
  { from = 0, to = Number.POSITIVE_INFINITY }: LineRange,
  longest: number,
): AsyncGenerator<LineChunk | LongLine, void> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (faultCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, path);
  });
  if (!handle) return;
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  // From the byte before: a line that begins at `from` itself is then recognised by the newline before it.
  let offset = Math.max(0, from - 1);
  let inLine = from > 0;
  let kept = 0;
  try {
    while (offset < to) {
      const { bytesRead } = await handle.read(buffer, kept, buffer.length - kept, offset + kept);
      if (bytesRead === 0) return;
      const filled = kept + bytesRead;
      const whole = buffer.lastIndexOf(NEWLINE, filled - 1) + 1;
      if (whole > 0) {
        const start = inLine ? buffer.indexOf(NEWLINE) + 1 : 0;
        const end = offset + whole > to ? buffer.indexOf(NEWLINE, to - 1 - offset) + 1 : whole;
        if (start < end) yield { bytes: buffer.subarray(start, end), offset: offset + start };
        inLine = false;
      }
      buffer.copyWithin(0, whole, filled);
      offset += whole;
      kept = filled - whole;
      if (kept === buffer.length) {
        const { end, whole } = await findLineEnd(handle, offset + kept);
        if (end - offset > longest) {
          if (!whole) return;
          if (!inLine) yield { from: offset, to: end - 1 };
          inLine = false;
          offset = end;
          kept = 0;
          continue;
        }
        // A line may have 100 MB: of such a buffer there is not a second one, nor does it stay.
        buffer = Buffer.concat([buffer], end - offset);
      } else if (buffer.length > CHUNK_BYTES && kept < CHUNK_BYTES)
        buffer = Buffer.concat([buffer.subarray(0, kept)], CHUNK_BYTES);
    }
  } catch (error) {
    throw storeFault(error, path);
  } finally {
    await handle.close();
  }
}

/** @returns the offset after the next newline, or where the file ends without one */
export async function findLineEnd(
  handle: FileHandle,
  from: number,
): Promise<{ readonly end: number; readonly whole: boolean }> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let offset = from; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    const at = buffer.subarray(0, bytesRead).indexOf(NEWLINE);
    if (at !== -1) return { end: offset + at + 1, whole: true };
    offset += bytesRead;
    if (bytesRead === 0) return { end: offset, whole: false };
  }
}

/** Goes through a chunk's lines. One with NUL bytes, as network filesystems leave them, or no UTF-8 is corrupt. */
export function forEachLine(chunk: LineChunk, onLine: LineListener, onCorrupt?: CorruptListener): void {
  const { bytes, offset } = chunk;
  // One look at the chunk instead of one a line: such lines are rare.
  const suspicious = bytes.includes(0) || !isUtf8(bytes);
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    if (suspicious && isBinary(bytes.subarray(start, end))) onCorrupt?.(offset + start);
    else if (end > start) onLine(bytes, start, end, offset + start);
    start = end + 1;
  }
}

const isBinary = (line: Buffer): boolean => line.includes(0) || !isUtf8(line);

/**
 * Goes through a segment's lines.
 *
 * @returns the offset after the last line: where to go on when the segment has grown
 */
export async function scanLines(
  path: string,
  onLine: LineListener,
  options: LineRange & { readonly onCorrupt?: CorruptListener | undefined } = {},
): Promise<number> {
  let next = options.from ?? 0;
  for await (const chunk of lineChunks(path, options)) {
    forEachLine(chunk, onLine, options.onCorrupt);
    next = chunk.offset + chunk.bytes.length;
  }
  return next;
}

/** @returns `undefined` where the bytes are no JSON object */
export function parseObject<T extends object>(bytes: Buffer, start: number, end: number): T | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    return isObject(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
