import { type FileHandle, open } from 'node:fs/promises';

/** Neighbours, which are mostly asked for next, come with what is read. */
const WINDOW_BYTES = 64 * 1024;
const MAX_OPEN = 64;

interface Window {
  readonly handle: FileHandle;
  bytes: Buffer;
  offset: number;
}

/** Reads small parts of files, which stay open in between. */
export class FileWindows {
  readonly #windows = new Map<string, Window>();

  /**
   * The bytes from an offset on: at least `size`, or fewer where the file ends.
   *
   * @throws the system's error
   */
  async from(path: string, offset: number, size: number): Promise<Buffer> {
    const window = this.#windows.get(path) ?? (await this.#open(path));
    const start = offset - window.offset;
    if (start >= 0 && start + size <= window.bytes.length) return window.bytes.subarray(start);
    const bytes = Buffer.allocUnsafe(Math.max(size, WINDOW_BYTES));
    const { bytesRead } = await window.handle.read(bytes, 0, bytes.length, offset);
    window.bytes = bytes.subarray(0, bytesRead);
    window.offset = offset;
    return window.bytes;
  }

  /** To read what no window is to hold. @throws the system's error */
  async handle(path: string): Promise<FileHandle> {
    return (this.#windows.get(path) ?? (await this.#open(path))).handle;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#windows.values()].map(({ handle }) => handle.close()));
    this.#windows.clear();
  }

  async #open(path: string): Promise<Window> {
    for (const [oldest, { handle }] of this.#windows) {
      if (this.#windows.size < MAX_OPEN) break;
      this.#windows.delete(oldest);
      await handle.close();
    }
    const window = { handle: await open(path, 'r'), bytes: Buffer.alloc(0), offset: 0 };
    this.#windows.set(path, window);
    return window;
  }
}
