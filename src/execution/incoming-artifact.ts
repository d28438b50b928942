import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactsFolder } from '../storage/file/layout.js';
import { temporaryBeside } from '../storage/file/owner.js';

/**
 * An artifact whose bytes are received from elsewhere. It enters the store once it is complete and matches its name.
 */
export class IncomingArtifact {
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** @param folder the experiment's folder in the store */
  static async begin(folder: string, contentHash: string): Promise<IncomingArtifact> {
    const place = artifactsFolder(folder);
    await mkdir(place, { recursive: true });
    const temporary = temporaryBeside(join(place, 'artifact'));
    return new IncomingArtifact(join(place, contentHash), temporary, await open(temporary, 'wx'));
  }

  async add(piece: Uint8Array): Promise<void> {
    this.#hash.update(piece);
    await this.#file.writeFile(piece);
  }

  /**
   * Keeps the artifact if it matches its name.
   *
   * @returns the SHA-256 of the received bytes
   */
  async keep(contentHash: string): Promise<string> {
    const found = this.#hash.digest('hex');
    if (found !== contentHash) return found;
    await this.#file.sync();
    await rename(this.#temporary, this.#path);
    return found;
  }

  /** Must be called at the end, whether or not the artifact was kept. */
  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#temporary, { force: true });
  }
}
