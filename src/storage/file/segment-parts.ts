import { sizeOf } from './file-size.js';
import { forEachLine, type LineChunk, lineChunks } from './lines.js';
import { type RecordHead, RecordHeads } from './record-head.js';
import { listSegments } from './segments.js';

/** A piece of a segment of records: the lines that begin at `from` ≤ offset < `to`. Plain data: it crosses threads. */
export interface SegmentPart {
  /** `{submission}/{file}`. */
  readonly segment: string;
  readonly path: string;
  readonly from: number;
  /** `Infinity` for a segment's last part: what is appended meanwhile belongs to it. */
  readonly to: number;
}

/** Small enough that the threads that share a scan end together, large against what a part reads beyond its end. */
const PART_BYTES = 16 * 1024 * 1024;
const NEWLINE = 10;

/** Every segment of records in parts, of one submission or of all, and how many bytes they are together. */
export async function listSegmentParts(
  folder: string,
  submission?: string,
  partBytes = PART_BYTES,
): Promise<{ readonly parts: SegmentPart[]; readonly bytes: number }> {
  const parts: SegmentPart[] = [];
  let bytes = 0;
  for (const { name: segment, path } of await listSegments(folder, 'records', submission)) {
    const size = (await sizeOf(path)) ?? 0;
    bytes += size;
    for (let from = 0; from === 0 || from < size; from += partBytes) {
      const to = from + partBytes < size ? from + partBytes : Number.POSITIVE_INFINITY;
      parts.push({ segment, path, from, to });
    }
  }
  return { parts, bytes };
}

/**
 * Goes through the heads of a part's records, in constant memory.
 *
 * @param onHead gets a view that is valid only until it returns: copy what is to be kept
 * @param options as in `RecordHeads`
 */
export async function scanPartHeads(
  part: SegmentPart,
  onHead: (head: RecordHead) => void,
  options?: { readonly whole: boolean },
): Promise<void> {
  const heads = new RecordHeads(options);
  for await (const chunk of partChunks(part)) {
    forEachLine(chunk, (bytes, start, end, offset) => {
      const head = heads.read(bytes, start, end, part.segment, offset);
      if (head) onHead(head);
    });
  }
}

async function* partChunks({ path, from, to }: SegmentPart): AsyncGenerator<LineChunk, void> {
  // From the byte before: a line that begins at `from` itself is then recognised by the newline before it.
  let inLine = from > 0;
  for await (const { bytes, offset } of lineChunks(path, Math.max(0, from - 1))) {
    if (offset >= to) return;
    const start = inLine ? bytes.indexOf(NEWLINE) + 1 : 0;
    inLine = false;
    const end = offset + bytes.length > to ? bytes.indexOf(NEWLINE, to - 1 - offset) + 1 : bytes.length;
    if (start < end) yield { bytes: bytes.subarray(start, end), offset: offset + start };
  }
}
