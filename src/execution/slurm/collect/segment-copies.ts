import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storeFault } from '../../../storage/file/faults.js';
import { segmentKindOf } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import { makeFolder } from '../../../storage/file/make-folder.js';

const WINDOW_BYTES = 64 * 1024;

/**
 * The store's copies of segments. Bytes are written at their offset in the original, so concurrent copies of the same
 * segment write the same bytes to the same places.
 */
export class SegmentCopies {
  readonly #folder: string;
  #sizes: Map<string, number> | undefined;
  #open: { readonly name: string; readonly handle: FileHandle } | undefined;
  readonly #changed = new Set<string>();

  /** @param folder `segments/`, or a submission's folder in it */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** How many bytes of each segment are here already, by name relative to the folder. */
  async sizes(): Promise<ReadonlyMap<string, number>> {
    this.#sizes ??= await readSizes(this.#folder);
    return this.#sizes;
  }

  /** @throws StoreError if the store can't be written */
  async write(name: string, offset: number, bytes: Buffer): Promise<void> {
    await this.#write(name, offset, bytes).catch((error: unknown) => {
      throw storeFault(error, join(this.#folder, name));
    });
  }

  async #write(name: string, offset: number, bytes: Buffer): Promise<void> {
    const sizes = this.#sizes ?? (await this.sizes());
    const known = sizes.get(name) ?? 0;
    // Bytes that were not requested would leave a hole before them.
    if (offset > known) throw new Error(`bytes of ${name} from ${offset} on, of which ${known} are known`);
    const handle = await this.#handleOf(name, offset);
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written);
      written += bytesWritten;
    }
    this.#changed.add(name);
    this.#sizes!.set(name, Math.max(known, offset + bytes.length));
  }

  /** Ends a round. Files stay open only during a round. */
  async endRound(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.handle.close();
  }

  /** Syncs to disk everything written since the last call. */
  async sync(): Promise<void> {
    for (const name of [...this.#changed]) {
      this.#changed.delete(name);
      try {
        const handle = await open(join(this.#folder, name), 'r');
        await handle.sync().finally(() => handle.close());
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        this.#sizes?.set(name, 0);
      }
    }
  }

  async #handleOf(name: string, offset: number): Promise<FileHandle> {
    if (this.#open?.name === name) return this.#open.handle;
    await this.endRound();
    if (name.split('/').some((part) => part === '..' || part === '') || segmentKindOf(name) === undefined)
      throw new Error(`${JSON.stringify(name)} is no segment's name`);
    const path = join(this.#folder, name);
    const handle = offset === 0 ? await create(path) : await this.#reopen(name, path, offset);
    this.#open = { name, handle };
    return handle;
  }

  /** @throws Error if the copy was removed meanwhile: its size is forgotten, and its bytes are requested again */
  async #reopen(name: string, path: string, offset: number): Promise<FileHandle> {
    const handle = await open(path, constants.O_WRONLY).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    const size = handle ? (await handle.stat()).size : 0;
    if (handle && size >= offset) return handle;
    await handle?.close();
    this.#sizes!.set(name, 0);
    throw new Error(`of the copy of ${name}, ${offset - size} bytes are gone: they are fetched again`);
  }
}

async function create(path: string): Promise<FileHandle> {
  const openIt = () => open(path, constants.O_WRONLY | constants.O_CREAT, 0o644);
  return openIt().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    return openIt();
  });
}

async function readSizes(folder: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const name of await listNames(folder)) {
    if (segmentKindOf(name) !== undefined) sizes.set(name, await soundSize(join(folder, name)));
    else if (await isFolder(join(folder, name)))
      for (const inner of await readdir(join(folder, name)))
        if (segmentKindOf(inner) !== undefined)
          sizes.set(`${name}/${inner}`, await soundSize(join(folder, name, inner)));
  }
  return sizes;
}

const isFolder = async (path: string) => (await stat(path)).isDirectory();

/** A power failure may have left NUL bytes where a copy was being written: those count as missing. */
async function soundSize(path: string): Promise<number> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const window = Buffer.allocUnsafe(WINDOW_BYTES);
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - WINDOW_BYTES);
      const { bytesRead } = await handle.read(window, 0, end - start, start);
      let last = bytesRead;
      while (last > 0 && window[last - 1] === 0) last--;
      if (last > 0) return start + last;
      end = start;
    }
    return 0;
  } finally {
    await handle.close();
  }
}
