import { posix } from 'node:path';
import type { Transport } from '../transport/transport.js';
import { timeoutError } from '../transport/transport-error.js';
import { type ArtifactContent, type ArtifactPlaces, hasArtifact } from './fetch-artifact.js';
import { IncomingArtifact } from './incoming-artifact.js';

/** Names sent to the cluster in one request: 65 kB. */
export const ARTIFACTS_AT_ONCE = 1_000;
/** A connection that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;
const NEWLINE = 10;

/** Input: names, one per line. For each file that exists: `@artifact NAME SIZE`, its bytes, a newline. */
const SCRIPT = `cd "$1" 2>/dev/null || exit 0
while read -r name; do
  size=$(wc -c <"$name") 2>/dev/null || continue
  echo "@artifact $name $((size))"
  cat "$name"
  echo
done
exit 0`;

/** The result for the requested artifacts that the store lacked. */
export interface FetchedArtifacts<Artifact extends ArtifactContent> {
  readonly brought: number;
  /** The cluster has no such file. */
  readonly absent: readonly Artifact[];
  /** The cluster's file does not match its name. */
  readonly damaged: readonly Artifact[];
}

/**
 * Fetches the artifacts that the store lacks, a thousand per round trip, each whole and verified, or not at all.
 *
 * @throws TransportError if the cluster can't be reached, keeping what has arrived; the system's error if the store
 *   can't be written
 */
export async function fetchArtifacts<Artifact extends ArtifactContent>(
  transport: Transport,
  places: ArtifactPlaces,
  artifacts: Iterable<Artifact>,
): Promise<FetchedArtifacts<Artifact>> {
  const missing = new Map<string, Artifact>();
  for (const artifact of artifacts)
    if (!missing.has(artifact.content_hash) && !(await hasArtifact(places.folder, artifact)))
      missing.set(artifact.content_hash, artifact);
  const names = [...missing.keys()];
  const damaged: Artifact[] = [];
  let brought = 0;
  const take = (name: string, sound: boolean) => {
    const artifact = missing.get(name);
    if (!artifact) return;
    missing.delete(name);
    if (sound) brought++;
    else damaged.push(artifact);
  };
  for (let from = 0; from < names.length; from += ARTIFACTS_AT_ONCE) {
    let left = names.slice(from, from + ARTIFACTS_AT_ONCE);
    for (let before = -1; left.length > 0 && left.length !== before; ) {
      before = left.length;
      if (await fetchStream(transport, places, left, take)) break;
      left = left.filter((name) => missing.has(name));
    }
  }
  return { brought, absent: [...missing.values()], damaged };
}

/** @returns false if a file was not as long as announced: the rest of the stream can't be split into files then */
async function fetchStream(
  transport: Transport,
  { folder, there }: ArtifactPlaces,
  names: readonly string[],
  onArtifact: (name: string, sound: boolean) => void,
): Promise<boolean> {
  const silence = new AbortController();
  const tooLong = timeoutError(transport.place, 'artifacts', SILENCE_MS);
  const timer = setTimeout(() => silence.abort(tooLong), SILENCE_MS);
  const command = ['sh', '-c', SCRIPT, 'metalab', posix.join(there, 'artifacts')];
  const stdin = names.map((name) => `${name}\n`).join('');
  const reader = new ArtifactReader(folder, new Set(names), onArtifact);
  try {
    const { stdout, ended } = await transport.stream(command, { stdin, signal: silence.signal });
    ended.catch(() => {});
    for await (const piece of stdout) {
      timer.refresh();
      if (!(await reader.add(piece))) return false;
    }
    await ended;
    return reader.atEnd;
  } finally {
    clearTimeout(timer);
    await reader.close();
  }
}

/** Parses the script's output as it arrives. */
class ArtifactReader {
  readonly #folder: string;
  readonly #names: ReadonlySet<string>;
  readonly #onArtifact: (name: string, sound: boolean) => void;
  #rest: Buffer = Buffer.alloc(0);
  #coming: { readonly name: string; readonly file: IncomingArtifact; left: number } | undefined;

  constructor(
    folder: string,
    names: ReadonlySet<string>,
    onArtifact: (name: string, sound: boolean) => void,
  ) {
    this.#folder = folder;
    this.#names = names;
    this.#onArtifact = onArtifact;
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
        const sound = this.#rest[0] === NEWLINE;
        this.#rest = this.#rest.subarray(1);
        await this.#end(sound);
        if (!sound) return false;
      } else {
        const end = this.#rest.indexOf(NEWLINE);
        if (end === -1) return true;
        const [, name, size] =
          /^@artifact ([0-9a-f]{64}) (\d+)$/.exec(this.#rest.toString('latin1', 0, end)) ?? [];
        if (name === undefined || !this.#names.has(name)) return false;
        this.#rest = this.#rest.subarray(end + 1);
        const file = await IncomingArtifact.begin(this.#folder, name);
        this.#coming = { name, file, left: Number(size) };
      }
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#coming?.file.close();
  }

  async #takeBytes(coming: { readonly file: IncomingArtifact; left: number }): Promise<void> {
    const part = this.#rest.subarray(0, coming.left);
    this.#rest = this.#rest.subarray(part.length);
    coming.left -= part.length;
    await coming.file.add(part);
  }

  async #end(sound: boolean): Promise<void> {
    const { name, file } = this.#coming!;
    this.#onArtifact(name, sound && (await file.keep(name)) === name);
    await file.close();
    this.#coming = undefined;
  }
}
