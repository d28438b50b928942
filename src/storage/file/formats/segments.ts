import { join } from 'node:path';
import { storeFault } from '../faults.js';
import { FileWindows } from '../file-windows.js';
import { type SegmentKind, segmentKindOf, segmentsFolder } from '../layout.js';
import { listNames } from '../list-names.js';
import {
  type CorruptListener,
  findLineEnd,
  forEachLine,
  LONG_LINE_BYTES,
  lineChunks,
  NEWLINE,
  parseObject,
} from './lines.js';

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
  readonly from?: number | undefined;
  /** Only lines that hold this text. */
  readonly matching?: string | undefined;
  readonly onCorrupt?: CorruptListener | undefined;
}

/** A segment's lines as objects. A line that is no JSON object is skipped, and told. */
export async function* readObjects<T extends object>(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<SegmentObject<T>, void> {
  for await (const { objects } of objectChunks<T>(path, options)) yield* objects;
}

/** The same chunk by chunk, and where each ends. */
async function* objectChunks<T extends object>(
  path: string,
  { from, matching, onCorrupt }: ReadOptions,
): AsyncGenerator<{ readonly objects: readonly SegmentObject<T>[]; readonly end: number }, void> {
  const wanted = matching === undefined ? undefined : Buffer.from(matching);
  for await (const chunk of lineChunks(path, { from })) {
    const objects: SegmentObject<T>[] = [];
    if (!wanted || chunk.bytes.includes(wanted))
      forEachLine(
        chunk,
        (bytes, start, end, offset) => {
          if (wanted && !bytes.subarray(start, end).includes(wanted)) return;
          const object = parseObject<T>(bytes, start, end);
          if (object) objects.push({ object, offset });
          else onCorrupt?.(offset);
        },
        onCorrupt,
      );
    yield { objects, end: chunk.offset + chunk.bytes.length };
  }
}

/** Reads what was appended to a growing set of segments since the last time: whole lines only, in constant memory. */
export class SegmentTails<T extends object> {
  readonly #list: () => Promise<readonly Segment[]>;
  readonly #matching: string | undefined;
  readonly #offsets = new Map<string, number>();

  /** @param matching only lines that hold this text */
  constructor(list: () => Promise<readonly Segment[]>, matching?: string) {
    this.#list = list;
    this.#matching = matching;
  }

  async *read(): AsyncGenerator<T, void> {
    for await (const { object } of this.readWithSegments()) yield object;
  }

  /** The same, with the name of the segment that each stands in. */
  async *readWithSegments(): AsyncGenerator<{ readonly object: T; readonly segment: string }, void> {
    for (const { name, path } of await this.#list()) {
      const options = { from: this.#offsets.get(path), matching: this.#matching };
      for await (const { objects, end } of objectChunks<T>(path, options)) {
        this.#offsets.set(path, end);
        for (const { object } of objects) yield { object, segment: name };
      }
    }
  }
}

/** Reads single lines at their offsets, keeping the segments open in between. */
export interface LinesAt<T> {
  /** @returns `undefined` where no whole object is there */
  read(path: string, offset: number): Promise<T | undefined>;
  close(): Promise<void>;
}

/** Most records are smaller. */
const LINE_BYTES = 64 * 1024;
/** Of longer lines nothing is kept. */
const MAX_WINDOW = 4 << 20;

/**
 * @param parse reads one line: the bytes from `start` to `end`
 * @param parseLong reads a line of many megabytes from its file, from its first byte to its newline
 */
export function openLines<T>(
  parse: (bytes: Buffer, start: number, end: number) => T | undefined,
  parseLong?: (path: string, from: number, to: number) => Promise<T | undefined>,
): LinesAt<T> {
  const windows = new FileWindows();
  const readLong = async (path: string, offset: number) => {
    const handle = await windows.handle(path);
    const { end, whole } = await findLineEnd(handle, offset);
    if (!whole) return undefined;
    const to = end - 1;
    if (parseLong && to - offset > LONG_LINE_BYTES) return parseLong(path, offset, to);
    const bytes = Buffer.allocUnsafeSlow(to - offset);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
    return bytesRead === bytes.length ? parse(bytes, 0, bytes.length) : undefined;
  };
  return {
    async read(path, offset) {
      try {
        for (let size = 1; size <= MAX_WINDOW; size = Math.max(LINE_BYTES, size * 4)) {
          const bytes = await windows.from(path, offset, size);
          const end = bytes.indexOf(NEWLINE);
          if (end !== -1) return parse(bytes, 0, end);
          if (bytes.length < size) return undefined;
        }
        return await readLong(path, offset);
      } catch (error) {
        throw storeFault(error, path);
      }
    },
    close: () => windows.close(),
  };
}
