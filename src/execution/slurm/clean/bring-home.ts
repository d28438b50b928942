import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ArtifactContent } from '../../../definition/record.js';
import { hashContent } from '../../../identity/hash-content.js';
import { segmentsFolder } from '../../../storage/file/layout.js';
import type { Transport } from '../../../transport/transport.js';
import { type ArtifactPlaces, fetchArtifacts } from '../../fetch-artifacts.js';
import { once } from '../ask-once.js';
import type { AskCluster } from '../cluster-retry.js';
import { collectOnce } from '../collect/collector.js';
import { SegmentCopies } from '../collect/segment-copies.js';
import type { FoundSpool } from '../spool/find-spool.js';

const SUMS_MS = 3_600_000;

const ARTIFACTS = `cd "$1/artifacts" 2>/dev/null || exit 0
find . -type f ! -name '.*' -exec stat -c '%s %n' {} + | sed 's|\\./||'`;

// Without its last line the list may lack files that find or sha256sum could not read.
const SUMS = `cd "$1" || exit 74
shift
for d; do
  shift
  [ ! -d "$d" ] || set -- "$@" "$d"
done
[ $# = 0 ] || find "$@" -type f ! -name '.*' -exec sha256sum {} + || exit 1
echo whole`;

/** Fetches segments that the store lacks. @returns the number of bytes fetched */
export async function bringSegments(
  transport: Transport,
  { root, id }: FoundSpool,
  { folder, there }: ArtifactPlaces,
): Promise<number> {
  const copies = new SegmentCopies(segmentsFolder(folder));
  const where = { root, id, folder: there, segments: 'segments' };
  const { bytes } = await once(transport, () => collectOnce(transport, where, copies, []));
  await copies.sync();
  return bytes;
}

/** Fetches artifacts that are files of their own and that the store lacks, whatever records name them. */
export async function bringAllArtifacts(
  transport: Transport,
  ask: AskCluster,
  places: ArtifactPlaces,
): Promise<void> {
  const { stdout } = await ask(['sh', '-c', ARTIFACTS, 'metalab', places.there]);
  const artifacts: ArtifactContent[] = [];
  for (const [, size, content_hash] of stdout.matchAll(/^(\d+) ([0-9a-f]{64})$/gm))
    artifacts.push({
      content_hash: content_hash!,
      uri: `artifacts/${content_hash}`,
      size_bytes: Number(size),
    });
  await once(transport, () => fetchArtifacts(transport, places, artifacts));
}

/** A file of the cluster that is missing or different in the store. */
export interface Difference {
  readonly name: string;
  /** Its SHA-256 on the cluster; undefined if that could not be read. */
  readonly sum?: string;
}

/** The cluster's files in some folders of an experiment that are missing or different in the store. */
export async function findDifferences(
  ask: AskCluster,
  { folder, there }: ArtifactPlaces,
  folders: readonly string[],
): Promise<Difference[]> {
  const { stdout } = await ask(['sh', '-c', SUMS, 'metalab', there, ...folders], {
    timeout_ms: SUMS_MS,
    isAnswer: (result) => result.exitCode === 0 && result.stdout.endsWith('whole\n'),
  });
  const wrong: Difference[] = [];
  for (const line of stdout.split('\n').slice(0, -2)) {
    const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sum === undefined || name === undefined) wrong.push({ name: line });
    else if ((await sumOf(join(folder, name))) !== sum) wrong.push({ name, sum });
  }
  return wrong;
}

async function sumOf(path: string): Promise<string | undefined> {
  return existsSync(path) ? (await hashContent(path)).content_hash : undefined;
}
