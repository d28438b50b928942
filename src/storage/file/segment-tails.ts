import { forEachLine, lineChunks } from './lines.js';
import { parseObject, type Segment } from './segments.js';

/** Reads what was appended to a growing set of segments since the last time: whole lines only, in constant memory. */
export class SegmentTails<T extends object> {
  readonly #list: () => Promise<readonly Segment[]>;
  readonly #matching: Buffer | undefined;
  readonly #offsets = new Map<string, number>();

  /** @param matching only lines that hold this text */
  constructor(list: () => Promise<readonly Segment[]>, matching?: string) {
    this.#list = list;
    this.#matching = matching === undefined ? undefined : Buffer.from(matching);
  }

  async *read(): AsyncGenerator<T, void> {
    for await (const { object } of this.readWithSegments()) yield object;
  }

  /** The same, with the name of the segment that each stands in. */
  async *readWithSegments(): AsyncGenerator<{ readonly object: T; readonly segment: string }, void> {
    for (const { name, path } of await this.#list()) {
      for await (const chunk of lineChunks(path, this.#offsets.get(path))) {
        const objects: T[] = [];
        forEachLine(chunk, (bytes, start, end) => {
          if (this.#matching && !bytes.subarray(start, end).includes(this.#matching)) return;
          const object = parseObject<T>(bytes, start, end);
          if (object) objects.push(object);
        });
        this.#offsets.set(path, chunk.offset + chunk.bytes.length);
        for (const object of objects) yield { object, segment: name };
      }
    }
  }
}
