import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFolderSync } from '../sync-folder.js';

/** A file that one process writes: created exclusively at the first write, then appended to. */
export class AppendOnlyFile {
  readonly path: string;
  readonly #folder: string;
  #fd: number | undefined;
  #bytes = 0;
  #unsynced = false;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.path = join(folder, name);
  }

  /** Bytes that are written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws the system's error; `bytes` then counts what was written nevertheless */
  append(bytes: Uint8Array): void {
    this.#fd ??= this.#create();
    this.#unsynced = true;
    for (let written = 0; written < bytes.length; ) {
      const more = writeSync(this.#fd, bytes, written, bytes.length - written);
      written += more;
      this.#bytes += more;
    }
  }

  /**
   * What was appended survives a power failure once this returns. Costs nothing where nothing was appended.
   *
   * @throws the system's error; ESTALE where somebody has deleted or replaced the file (as `store check --repair`
   * does): what is appended to it is nowhere
   */
  sync(): void {
    if (!this.#unsynced || this.#fd === undefined) return;
    fsyncSync(this.#fd);
    // Its links don't tell: a repair keeps the file in the quarantine, by another name.
    if (statSync(this.path, { throwIfNoEntry: false })?.ino !== fstatSync(this.#fd).ino)
      throw goneFrom(this.path);
    this.#unsynced = false;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #create(): number {
    const made = mkdirSync(this.#folder, { recursive: true });
    const fd = openSync(this.path, 'ax');
    syncFolderSync(this.#folder);
    syncFolderSync(dirname(this.#folder));
    if (made !== undefined && made !== this.#folder) syncFolderSync(dirname(made));
    return fd;
  }
}

const goneFrom = (path: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${path} was deleted or replaced while it was written`), { code: 'ESTALE' });
