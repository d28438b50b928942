import { join } from 'node:path';
import { type SegmentKind, segmentKindOf, segmentsFolder } from './layout.js';
import { type CorruptListener, forEachLine, lineChunks } from './lines.js';
import { listNames } from './list-names.js';

/** One segment of an experiment. */
export interface Segment {
  /** `{submission}/{file}`: what the rule of the final record compares. */
  readonly name: string;
  readonly path: string;
}

/** The segments of one kind, by name; of one submission, or of all. */
export async function listSegments(
  folder: string,
  kind: SegmentKind,
  submission?: string,
): Promise<Segment[]> {
  const submissions = submission === undefined ? await listNames(segmentsFolder(folder)) : [submission];
  const lists = await Promise.all(
    submissions.map(async (id) =>
      (await listNames(segmentsFolder(folder, id)))
        .filter((file) => segmentKindOf(file) === kind)
        .map((file) => ({ name: `${id}/${file}`, path: join(segmentsFolder(folder, id), file) })),
    ),
  );
  return lists.flat();
}

/** An object of a segment, and the byte offset of its line. */
export interface SegmentObject<T> {
  readonly object: T;
  readonly offset: number;
}

/** Which lines of a segment are read, and who hears of those that are no JSON objects. */
export interface ReadOptions {
  /** Byte offset of the first line. */
  readonly from?: number;
  /** Only lines that hold this text. */
  readonly matching?: string;
  readonly onCorrupt?: CorruptListener;
}

/** A segment's lines as objects, chunk by chunk. A line that is no JSON object is skipped, and told. */
export async function* readObjects<T extends object>(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<SegmentObject<T>, void> {
  const matching = options.matching === undefined ? undefined : Buffer.from(options.matching);
  for await (const chunk of lineChunks(path, options.from)) {
    if (matching && !chunk.bytes.includes(matching)) continue;
    const objects: SegmentObject<T>[] = [];
    forEachLine(
      chunk,
      (bytes, start, end, offset) => {
        if (matching && !bytes.subarray(start, end).includes(matching)) return;
        const object = parseObject<T>(bytes, start, end);
        if (object) objects.push({ object, offset });
        else options.onCorrupt?.(offset);
      },
      options.onCorrupt,
    );
    yield* objects;
  }
}

/** @returns `undefined` where the bytes are no JSON object */
export function parseObject<T extends object>(bytes: Buffer, start: number, end: number): T | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
