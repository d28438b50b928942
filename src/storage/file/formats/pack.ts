import type { ArtifactContent } from '../../../definition/record.js';
import { sha256 } from '../../../identity/fingerprint.js';
import type { ByteRange } from '../byte-range.js';

/**
 * A pack holds small artifacts, one after the other: `@artifact {SHA-256} {size}\n`, the bytes, `\n`. One process
 * writes it, as a segment. NUL bytes between artifacts are holes: of what `store gc` has removed, what was damaged, or
 * what has not been fetched from a cluster. An artifact's uri is `packs/{submission}/{pack}#{offset},{size}`: the place
 * of its bytes.
 */

/** Larger artifacts are files of their own. */
export const MAX_PACKED_BYTES = 1024 * 1024;
/** A pack that is as large gets no further artifact. */
export const PACK_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;
const BEGIN = Buffer.from('@artifact ');
const MAX_HEADER_BYTES = 96;

export const packHeader = (contentHash: string, size: number): Buffer =>
  Buffer.from(`@artifact ${contentHash} ${size}\n`, 'latin1');

/** Where the bytes of a packed artifact are. */
export interface PackPlace {
  /** The pack's path in the experiment's folder. */
  readonly pack: string;
  readonly offset: number;
  readonly size: number;
}

export const packUri = ({ pack, offset, size }: PackPlace): string => `${pack}#${offset},${size}`;

/** @returns `undefined` if the artifact is a file of its own */
export function parsePackUri(uri: string): PackPlace | undefined {
  const [, pack, offset, size] =
    /^(packs\/[^./\s][^/\s]*\/[^./\s][^/\s]*\.pack)#(\d+),(\d+)$/.exec(uri) ?? [];
  return pack === undefined ? undefined : { pack, offset: Number(offset), size: Number(size) };
}

/** The bytes of a pack that one artifact takes, header and end included. */
export const packRange = (contentHash: string, { offset, size }: PackPlace): ByteRange => ({
  from: offset - packHeader(contentHash, size).length,
  to: offset + size + 1,
});

/**
 * An artifact's bytes, unverified; undefined if something else is there, or only a part.
 *
 * @param bytes of the pack, from where the artifact's header begins
 */
export function unpack(bytes: Buffer, { content_hash, size_bytes }: ArtifactContent): Buffer | undefined {
  const header = packHeader(content_hash, size_bytes);
  const end = header.length + size_bytes;
  if (bytes.length < end || !bytes.subarray(0, header.length).equals(header)) return undefined;
  return bytes.subarray(header.length, end);
}

export const hasItsHash = (
  bytes: Uint8Array,
  { content_hash }: Pick<ArtifactContent, 'content_hash'>,
): boolean => sha256(bytes) === content_hash;

/** What a pack holds from one offset to another. */
export interface PackPart extends ByteRange {
  /** `torn`: at the end, what is no whole artifact. */
  readonly kind: 'artifact' | 'damaged' | 'torn';
}

/** Everything in a pack but its holes. Whole artifacts are verified. */
export function parsePack(bytes: Buffer): PackPart[] {
  const parts: PackPart[] = [];
  for (let from = 0; from < bytes.length; ) {
    if (bytes[from] === 0) {
      from++;
      continue;
    }
    const frame = frameAt(bytes, from);
    if (frame && isSound(bytes, frame)) {
      parts.push({ kind: 'artifact', from, to: frame.to });
      from = frame.to;
      continue;
    }
    const next = nextBoundary(bytes, from, frame);
    const isTorn = next === bytes.length && (frame ? frame.to > next : isBeginOfHeader(bytes.subarray(from)));
    parts.push({ kind: isTorn ? 'torn' : 'damaged', from, to: next });
    from = next;
  }
  return parts;
}

interface Frame extends ByteRange {
  readonly content_hash: string;
  readonly offset: number;
  readonly size: number;
}

/** What a header announces; it may be more than there is. */
function frameAt(bytes: Buffer, from: number): Frame | undefined {
  const head = bytes.toString('latin1', from, from + MAX_HEADER_BYTES);
  const [header, content_hash, digits] = /^@artifact ([0-9a-f]{64}) (\d{1,7})\n/.exec(head) ?? [];
  if (header === undefined || content_hash === undefined) return undefined;
  const [offset, size] = [from + header.length, Number(digits)];
  if (size > MAX_PACKED_BYTES) return undefined;
  // Torn between its bytes and the newline, an artifact is whole.
  const to = offset + size === bytes.length ? bytes.length : offset + size + 1;
  return { from, to, content_hash, offset, size };
}

const isSound = (bytes: Buffer, { to, offset, size, ...frame }: Frame): boolean =>
  to <= bytes.length &&
  (to === offset + size || bytes[to - 1] === NEWLINE) &&
  hasItsHash(bytes.subarray(offset, offset + size), frame);

/** Where what is damaged ends: at the next hole, sound artifact, or the pack's end. */
function nextBoundary(bytes: Buffer, from: number, frame: Frame | undefined): number {
  if (frame && frame.to <= bytes.length && isBoundary(bytes, frame.to)) return frame.to;
  for (let at = from + 1; ; at++) {
    at = bytes.indexOf(BEGIN, at);
    if (at === -1) return bytes.length;
    const next = frameAt(bytes, at);
    if (next && isSound(bytes, next)) return at;
  }
}

const isBoundary = (bytes: Buffer, at: number): boolean =>
  at === bytes.length || bytes[at] === 0 || frameAt(bytes, at) !== undefined;

const isBeginOfHeader = (rest: Buffer): boolean =>
  rest.length < MAX_HEADER_BYTES &&
  !rest.includes(NEWLINE) &&
  rest.subarray(0, BEGIN.length).equals(BEGIN.subarray(0, rest.length));
