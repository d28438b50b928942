import { type FileHandle, open } from 'node:fs/promises';
import { storeFault } from './faults.js';

/** Reads single lines at their offsets, keeping the segments open in between. */
export interface LinesAt<T> {
  /** @returns `undefined` where no whole object is there */
  read(path: string, offset: number): Promise<T | undefined>;
  close(): Promise<void>;
}

const NEWLINE = 10;
/** Most records are below 1 KiB; neighbours, which are mostly asked for next, come with it. */
const WINDOW_BYTES = 64 * 1024;
const MAX_OPEN = 64;

interface Window {
  readonly handle: FileHandle;
  bytes: Buffer;
  offset: number;
}

/** @param parse reads one line: the bytes from `start` to `end` */
export function openLines<T>(
  parse: (bytes: Buffer, start: number, end: number) => T | undefined,
): LinesAt<T> {
  const windows = new Map<string, Window>();
  const windowOf = async (path: string): Promise<Window> => {
    const known = windows.get(path);
    if (known) return known;
    for (const [oldest, { handle }] of windows) {
      if (windows.size < MAX_OPEN) break;
      windows.delete(oldest);
      await handle.close();
    }
    const window = { handle: await open(path, 'r'), bytes: Buffer.alloc(0), offset: 0 };
    windows.set(path, window);
    return window;
  };
  return {
    async read(path, offset) {
      try {
        const window = await windowOf(path);
        for (let size = WINDOW_BYTES; ; size *= 4) {
          const start = offset - window.offset;
          const end = start < 0 || start > window.bytes.length ? -1 : window.bytes.indexOf(NEWLINE, start);
          if (end !== -1) return parse(window.bytes, start, end);
          const bytes = Buffer.allocUnsafe(size);
          const { bytesRead } = await window.handle.read(bytes, 0, size, offset);
          window.bytes = bytes.subarray(0, bytesRead);
          window.offset = offset;
          if (bytesRead < size && !window.bytes.includes(NEWLINE)) return undefined;
        }
      } catch (error) {
        throw storeFault(error, path);
      }
    },
    async close() {
      await Promise.all([...windows.values()].map(({ handle }) => handle.close()));
      windows.clear();
    },
  };
}
