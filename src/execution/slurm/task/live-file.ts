import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../../../storage/file/make-folder.js';
import { temporaryBeside } from '../../../storage/file/owner.js';

const EVERY_MS = 2_000;

/** A small file that is overwritten as a whole every 2 s, and on request. Failed writes are ignored. */
export class LiveFile {
  readonly #path: string;
  readonly #content: () => unknown;
  readonly #temporary: string;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void>;
  /** A write that has not begun. */
  #next: Promise<void> | undefined;

  constructor(path: string, content: () => unknown) {
    this.#path = path;
    this.#content = content;
    this.#temporary = temporaryBeside(path);
    this.#writing = makeFolder(dirname(path)).then(
      () => this.#write(),
      () => {},
    );
    this.#timer = setInterval(() => void this.write(), EVERY_MS);
  }

  /** Afterwards the file contains the state at the time of the call. */
  write(): Promise<void> {
    // If a filesystem hangs, no second write begins before the first is done, and then one write serves all callers.
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      return this.#write();
    });
    this.#writing = this.#next;
    return this.#next;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      // Not fsynced: the fsyncs of a thousand tasks would keep their file server busy.
      await writeFile(this.#temporary, `${JSON.stringify(this.#content())}\n`);
      await rename(this.#temporary, this.#path);
    } catch {
      await rm(this.#temporary, { force: true }).catch(() => {});
    }
  }
}
