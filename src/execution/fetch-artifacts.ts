import type { ArtifactContent } from '../definition/record.js';
import { StoredArtifacts } from '../storage/file/artifacts.js';
import type { Transport } from '../transport/transport.js';
import { timeoutError } from '../transport/transport-error.js';
import { AnswerReader } from './artifact-answers.js';
import { type ArtifactRequest, keyOf, lineOf, planRequests } from './artifact-requests.js';
import type { IncomingResult } from './incoming.js';

/** Requests sent to the cluster in one round trip: 100 kB. */
const REQUESTS_AT_ONCE = 1_000;
/** A connection that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;

/** An experiment's folder in the store, and its folder on the cluster. */
export interface ArtifactPlaces {
  readonly folder: string;
  /** Absolute, or relative to the login's home. */
  readonly there: string;
}

/**
 * Input: a file's path a line; for a part of it, also where that begins, and its length. For each of which there is
 * anything: `@artifact PATH BEGIN SIZE`, its bytes, a newline.
 */
const SCRIPT = `cd "$1" 2>/dev/null || exit 0
while read -r path from length; do
  size=$(wc -c <"$path") 2>/dev/null || continue
  if [ -n "$from" ]; then
    size=$((size - from))
    [ "$size" -le "$length" ] || size=$length
    [ "$size" -gt 0 ] || continue
    echo "@artifact $path $from $size"
    tail -c "+$((from + 1))" "$path" | head -c "$size"
  else
    echo "@artifact $path 0 $((size))"
    cat "$path"
  fi
  echo
done
exit 0`;

/** The result for the requested artifacts that the store lacked. */
export interface FetchedArtifacts<Artifact extends ArtifactContent> {
  readonly brought: number;
  /** The cluster does not have them. */
  readonly absent: readonly Artifact[];
  /** The cluster's bytes do not have their hash. */
  readonly damaged: readonly Artifact[];
}

/**
 * Fetches the artifacts that the store lacks, in few round trips, each whole and verified, or not at all.
 *
 * @throws TransportError if the cluster can't be reached, keeping what has arrived; the system's error if the store
 *   can't be written
 */
export async function fetchArtifacts<Artifact extends ArtifactContent>(
  transport: Transport,
  places: ArtifactPlaces,
  artifacts: Iterable<Artifact>,
): Promise<FetchedArtifacts<Artifact>> {
  const missing = await findMissing(places.folder, artifacts);
  const results = { brought: 0, absent: [] as Artifact[], damaged: [] as Artifact[] };
  const take = ({ artifact, status }: IncomingResult<Artifact>) => {
    missing.delete(artifact.uri);
    if (status === 'brought') results.brought++;
    else results[status].push(artifact);
  };
  const requests = planRequests(missing.values());
  for (let from = 0; from < requests.length; from += REQUESTS_AT_ONCE) {
    const left = new Map(requests.slice(from, from + REQUESTS_AT_ONCE).map((each) => [keyOf(each), each]));
    for (let before = -1; left.size > 0 && left.size !== before; ) {
      before = left.size;
      if (await fetchStream(transport, places, left, take)) break;
    }
  }
  return { ...results, absent: [...results.absent, ...missing.values()] };
}

/** By their uris: each once. */
async function findMissing<Artifact extends ArtifactContent>(
  folder: string,
  artifacts: Iterable<Artifact>,
): Promise<Map<string, Artifact>> {
  const missing = new Map<string, Artifact>();
  const stored = new StoredArtifacts(folder);
  try {
    for (const artifact of artifacts)
      if (!missing.has(artifact.uri) && !(await stored.hasSound(artifact)))
        missing.set(artifact.uri, artifact);
  } finally {
    await stored.close();
  }
  return missing;
}

/**
 * @param requests those that are answered are deleted
 * @returns false if an answer was not as long as announced: the rest of the stream can't be split then
 */
async function fetchStream<Artifact extends ArtifactContent>(
  transport: Transport,
  { folder, there }: ArtifactPlaces,
  requests: Map<string, ArtifactRequest<Artifact>>,
  onResult: (result: IncomingResult<Artifact>) => void,
): Promise<boolean> {
  const silence = new AbortController();
  const tooLong = timeoutError(transport.place, 'artifacts', SILENCE_MS);
  const timer = setTimeout(() => silence.abort(tooLong), SILENCE_MS);
  const command = ['sh', '-c', SCRIPT, 'metalab', there];
  const stdin = [...requests.values()].map(lineOf).join('');
  const reader = new AnswerReader(folder, requests, onResult);
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
