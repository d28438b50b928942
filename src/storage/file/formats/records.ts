import type { RunRecord } from '../../../definition/record.js';
import { compareContenders } from '../../final-record.js';
import { sizeOf } from '../file-size.js';
import { scanLines } from './lines.js';
import { isRecord, type RecordHead, RecordHeads } from './record-head.js';
import { listSegments, readObjects } from './segments.js';

/** A record and where it stands: the last two keys of the rule of the final record. */
export interface StoredRecord {
  readonly record: RunRecord;
  readonly segment: string;
  /** Byte offset of the record's line in its segment. */
  readonly offset: number;
}

/** Where a line stands that is no record. */
export interface CorruptLine {
  readonly segment: string;
  readonly offset: number;
}

/** Every record of an experiment, or of one submission, segment by segment. */
export async function* readRecords(
  folder: string,
  options: { readonly submission?: string; readonly onCorrupt?: (line: CorruptLine) => void } = {},
): AsyncGenerator<StoredRecord, void> {
  for (const segment of await listSegments(folder, 'records', options.submission)) {
    const onCorrupt = (offset: number) => options.onCorrupt?.({ segment: segment.name, offset });
    for await (const { object, offset } of readObjects<RunRecord>(segment.path, { onCorrupt })) {
      if (isRecord(object)) yield { record: object, segment: segment.name, offset };
      else onCorrupt(offset);
    }
  }
}

/** Whether anything was ever recorded for the experiment in this folder. */
export const hasSegments = async (folder: string): Promise<boolean> =>
  (await listSegments(folder, 'records')).length > 0;

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

/** How heads are read. */
interface HeadOptions {
  /** As in `RecordHeads`. */
  readonly whole?: boolean;
  readonly onCorrupt?: ((line: CorruptLine) => void) | undefined;
}

/**
 * Goes through the heads of a part's records, in constant memory.
 *
 * @param onHead gets a view that is valid only until it returns: copy what is to be kept
 */
export async function scanPartHeads(
  { segment, path, from, to }: SegmentPart,
  onHead: (head: RecordHead) => void,
  { whole = true, onCorrupt }: HeadOptions = {},
): Promise<void> {
  const heads = new RecordHeads({ whole });
  const corrupt = (offset: number) => onCorrupt?.({ segment, offset });
  await scanLines(
    path,
    (bytes, start, end, offset) => {
      const head = heads.read(bytes, start, end, segment, offset);
      if (head) onHead(head);
      else corrupt(offset);
    },
    { from, to, onCorrupt: corrupt },
  );
}

/** Who hears of lines that are no records; and what is left out, as compacted: bytes by segment name. */
export interface ScanOptions extends Pick<HeadOptions, 'onCorrupt'> {
  readonly covered?: { readonly [segment: string]: number } | undefined;
}

/** The same of all records of an experiment. */
export async function scanRecordHeads(
  folder: string,
  onHead: (head: RecordHead) => void,
  { onCorrupt, covered }: ScanOptions = {},
): Promise<void> {
  for (const { name, path } of await listSegments(folder, 'records')) {
    const from = covered && Object.hasOwn(covered, name) ? covered[name]! : 0;
    await scanPartHeads({ segment: name, path, from, to: Number.POSITIVE_INFINITY }, onHead, { onCorrupt });
  }
}

/**
 * The final record's head of every run that is wanted, by run_id. Memory: about 300 bytes each.
 *
 * @param wanted which heads count; by default all
 */
export async function scanFinalHeads(
  folder: string,
  wanted: (head: RecordHead) => boolean = () => true,
  options: ScanOptions = {},
): Promise<Map<string, RecordHead>> {
  const finals = new Map<string, RecordHead>();
  const texts = new Map<string, string>();
  /** The few code and context fingerprints are kept once, not once a run. */
  const once = (text: string) => {
    if (!texts.has(text)) texts.set(text, text);
    return texts.get(text) ?? text;
  };
  await scanRecordHeads(
    folder,
    (head) => {
      if (!wanted(head)) return;
      const standing = finals.get(head.run_id);
      if (standing && compareContenders(standing, head) <= 0) return;
      finals.set(head.run_id, {
        run_id: head.run_id,
        status: head.status,
        generation: head.generation,
        context_fingerprint: once(head.context_fingerprint),
        params_fingerprint: head.params_fingerprint,
        seed_fingerprint: head.seed_fingerprint,
        code_fingerprint: once(head.code_fingerprint),
        index: head.index,
        finished_at: head.finished_at,
        segment: head.segment,
        offset: head.offset,
      });
    },
    options,
  );
  return finals;
}
