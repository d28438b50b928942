import type { ArtifactContent } from '../definition/record.js';
import type { ArtifactRequest } from './artifact-requests.js';
import type { Incoming, IncomingResult } from './incoming.js';
import { IncomingArtifact } from './incoming-artifact.js';
import { IncomingPart } from './incoming-part.js';

const NEWLINE = 10;

/** Parses the answers to requests as they arrive, and keeps what they bring. */
export class AnswerReader<Artifact extends ArtifactContent> {
  readonly #folder: string;
  readonly #requests: Map<string, ArtifactRequest<Artifact>>;
  readonly #onResult: (result: IncomingResult<Artifact>) => void;
  #rest: Buffer = Buffer.alloc(0);
  #coming: { readonly key: string; readonly incoming: Incoming<Artifact>; left: number } | undefined;

  /** @param requests by their keys; those that are answered are deleted */
  constructor(
    folder: string,
    requests: Map<string, ArtifactRequest<Artifact>>,
    onResult: (result: IncomingResult<Artifact>) => void,
  ) {
    this.#folder = folder;
    this.#requests = requests;
    this.#onResult = onResult;
  }

  get atEnd(): boolean {
    return this.#coming === undefined && this.#rest.length === 0;
  }

  /** @returns false if it is not what the script writes */
  async add(piece: Uint8Array): Promise<boolean> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length > 0) {
      if (this.#coming && this.#coming.left > 0) await this.#takeBytes(this.#coming);
      else if (this.#coming) {
        const isWhole = this.#rest[0] === NEWLINE;
        this.#rest = this.#rest.subarray(1);
        await this.#end(isWhole);
        if (!isWhole) return false;
      } else {
        const end = this.#rest.indexOf(NEWLINE);
        if (end === -1) return true;
        const [, key, size] = /^@artifact (\S+ \d+) (\d+)$/.exec(this.#rest.toString('utf8', 0, end)) ?? [];
        const request = key === undefined ? undefined : this.#requests.get(key);
        if (key === undefined || !request) return false;
        this.#rest = this.#rest.subarray(end + 1);
        this.#coming = { key, incoming: await this.#begin(request), left: Number(size) };
      }
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#coming?.incoming.close();
  }

  async #begin(request: ArtifactRequest<Artifact>): Promise<Incoming<Artifact>> {
    return 'ranges' in request
      ? new IncomingPart(this.#folder, request)
      : IncomingArtifact.begin(this.#folder, request.artifact);
  }

  async #takeBytes(coming: { readonly incoming: Incoming<Artifact>; left: number }): Promise<void> {
    const part = this.#rest.subarray(0, coming.left);
    this.#rest = this.#rest.subarray(part.length);
    coming.left -= part.length;
    await coming.incoming.add(part);
  }

  async #end(isWhole: boolean): Promise<void> {
    const { key, incoming } = this.#coming!;
    const request = this.#requests.get(key)!;
    this.#requests.delete(key);
    const asked = 'ranges' in request ? request.ranges : [request];
    const results = isWhole
      ? await incoming.keep()
      : asked.map(({ artifact }) => ({ artifact, status: 'damaged' as const }));
    for (const result of results) this.#onResult(result);
    await incoming.close();
    this.#coming = undefined;
  }
}
