import type { ArtifactContent } from '../definition/record.js';
import type { ByteRange } from '../storage/file/byte-range.js';
import { packRange, parsePackUri } from '../storage/file/formats/pack.js';

/** A part of a pack that is requested at once, and held in memory. */
const MAX_PART_BYTES = 4 * 1024 * 1024;
/** Bytes that nobody wants, and that cost less than another request: it takes three processes on the cluster. */
const MAX_GAP_BYTES = 16 * 1024;

/** An artifact that is a file of its own. */
export interface FileRequest<Artifact extends ArtifactContent> {
  /** In the experiment's folder. */
  readonly path: string;
  readonly artifact: Artifact;
}

/** Bytes of a pack with several artifacts. */
export interface PartRequest<Artifact extends ArtifactContent> extends ByteRange {
  readonly path: string;
  readonly ranges: readonly (ByteRange & { readonly artifact: Artifact })[];
}

export type ArtifactRequest<Artifact extends ArtifactContent> = FileRequest<Artifact> | PartRequest<Artifact>;

/** Neighbours in a pack are requested together. */
export function planRequests<Artifact extends ArtifactContent>(
  artifacts: Iterable<Artifact>,
): ArtifactRequest<Artifact>[] {
  const requests: ArtifactRequest<Artifact>[] = [];
  const packs = new Map<string, (ByteRange & { readonly artifact: Artifact })[]>();
  for (const artifact of artifacts) {
    const place = parsePackUri(artifact.uri);
    if (!place) {
      requests.push({ path: `artifacts/${artifact.content_hash}`, artifact });
      continue;
    }
    const range = { ...packRange(artifact.content_hash, place), artifact };
    const others = packs.get(place.pack);
    if (others) others.push(range);
    else packs.set(place.pack, [range]);
  }
  for (const [path, ranges] of packs) requests.push(...partsOf(path, ranges));
  return requests;
}

function partsOf<Artifact extends ArtifactContent>(
  path: string,
  ranges: (ByteRange & { readonly artifact: Artifact })[],
): PartRequest<Artifact>[] {
  const parts: { path: string; from: number; to: number; ranges: typeof ranges }[] = [];
  for (const range of ranges.sort((a, b) => a.from - b.from)) {
    const last = parts.at(-1);
    if (last && range.from - last.to <= MAX_GAP_BYTES && range.to - last.from <= MAX_PART_BYTES) {
      last.to = Math.max(last.to, range.to);
      last.ranges.push(range);
    } else parts.push({ path, from: range.from, to: range.to, ranges: [range] });
  }
  return parts;
}

/** How a request is sent. */
export const lineOf = <Artifact extends ArtifactContent>(request: ArtifactRequest<Artifact>): string =>
  'ranges' in request ? `${keyOf(request)} ${request.to - request.from}\n` : `${request.path}\n`;

/** How an answer names its request. */
export const keyOf = <Artifact extends ArtifactContent>(request: ArtifactRequest<Artifact>): string =>
  `${request.path} ${'ranges' in request ? request.from : 0}`;
