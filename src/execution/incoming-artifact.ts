import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactContent } from '../definition/record.js';
import { artifactsFolder } from '../storage/file/layout.js';
import { temporaryBeside } from '../storage/file/owner.js';
import type { Incoming, IncomingResult } from './incoming.js';

/**
 * An artifact whose bytes are received from elsewhere. It enters the store once it is complete and matches its name.
 */
export class IncomingArtifact<Artifact extends ArtifactContent> implements Incoming<Artifact> {
  readonly #artifact: Artifact;
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');

  private constructor(artifact: Artifact, path: string, temporary: string, file: FileHandle) {
    this.#artifact = artifact;
    this.#path = path;
    this.#temporary = temporary;
    this.#file = file;
  }

  /** @param folder the experiment's folder in the store */
  static async begin<Artifact extends ArtifactContent>(
    folder: string,
    artifact: Artifact,
  ): Promise<IncomingArtifact<Artifact>> {
    const place = artifactsFolder(folder);
    await mkdir(place, { recursive: true });
    const temporary = temporaryBeside(join(place, 'artifact'));
    const path = join(place, artifact.content_hash);
    return new IncomingArtifact(artifact, path, temporary, await open(temporary, 'wx'));
  }

  async add(piece: Uint8Array): Promise<void> {
    this.#hash.update(piece);
    await this.#file.writeFile(piece);
  }

  async keep(): Promise<IncomingResult<Artifact>[]> {
    const artifact = this.#artifact;
    if (this.#hash.digest('hex') !== artifact.content_hash) return [{ artifact, status: 'damaged' }];
    await this.#file.sync();
    await rename(this.#temporary, this.#path);
    return [{ artifact, status: 'brought' }];
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#temporary, { force: true });
  }
}
