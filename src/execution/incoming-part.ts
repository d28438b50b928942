import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtifactContent } from '../definition/record.js';
import { hasItsHash, unpack } from '../storage/file/formats/pack.js';
import { makeFolder } from '../storage/file/make-folder.js';
import type { PartRequest } from './artifact-requests.js';
import type { Incoming, IncomingResult } from './incoming.js';

/**
 * A part of a pack. Its artifacts enter the store's copy of the pack at their offsets, each whole and verified, or not
 * at all: what has not been fetched is a hole there. Who fetches the same at the same time writes the same bytes.
 */
export class IncomingPart<Artifact extends ArtifactContent> implements Incoming<Artifact> {
  readonly #path: string;
  readonly #request: PartRequest<Artifact>;
  readonly #pieces: Uint8Array[] = [];

  /** @param folder the experiment's folder in the store */
  constructor(folder: string, request: PartRequest<Artifact>) {
    this.#path = join(folder, request.path);
    this.#request = request;
  }

  async add(piece: Uint8Array): Promise<void> {
    this.#pieces.push(piece);
  }

  async keep(): Promise<IncomingResult<Artifact>[]> {
    const { from, ranges } = this.#request;
    const bytes = Buffer.concat(this.#pieces);
    const sound: { begin: number; end: number }[] = [];
    const results = ranges.map(({ artifact, ...range }): IncomingResult<Artifact> => {
      const [begin, end] = [range.from - from, Math.min(range.to - from, bytes.length)];
      const status = statusOf(artifact, bytes.subarray(begin, end));
      const last = sound.at(-1);
      if (status === 'brought' && last?.end === begin) last.end = end;
      else if (status === 'brought') sound.push({ begin, end });
      return { artifact, status };
    });
    if (sound.length > 0) await this.#write(bytes, sound);
    return results;
  }

  async close(): Promise<void> {
    this.#pieces.length = 0;
  }

  async #write(bytes: Buffer, sound: readonly { begin: number; end: number }[]): Promise<void> {
    await makeFolder(dirname(this.#path));
    const file = await open(this.#path, constants.O_WRONLY | constants.O_CREAT);
    try {
      for (const { begin, end } of sound)
        await writeAt(file, bytes.subarray(begin, end), this.#request.from + begin);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
}

/** @param bytes from the artifact's header on */
function statusOf(artifact: ArtifactContent, bytes: Buffer): IncomingResult['status'] {
  const content = unpack(bytes, artifact);
  if (!content) return 'absent';
  return hasItsHash(content, artifact) ? 'brought' : 'damaged';
}
