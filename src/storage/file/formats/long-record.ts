import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { JsonValue } from '../../../definition/json.js';
import type { RunRecord } from '../../../definition/record.js';
import { storeFault } from '../faults.js';
import { endOfText, LongText, QUOTE, wholeCharacters } from './long-text.js';
import { parseRecord, readRecord } from './read-record.js';
import { type LinesAt, openLines } from './segments.js';

/** A value of a param or metric, which may have been left where it stands. */
export type StoredValue = JsonValue | LongText;

/** A record whose params and metrics may be long texts. */
export interface StoredRunRecord extends Omit<RunRecord, 'params' | 'metrics'> {
  readonly params: { readonly [name: string]: StoredValue };
  readonly metrics: { readonly [name: string]: StoredValue };
}

/** Records at their offsets, with all their texts. */
export const openRecords = (): LinesAt<RunRecord> =>
  openLines(readRecord, async (path, from, to) => {
    const record = await readLongRecord(path, from, to);
    return record && wholeRecord(record);
  });

/** The record with all its texts. */
export function wholeRecord(record: StoredRunRecord): RunRecord {
  const whole = (values: { readonly [name: string]: StoredValue }) =>
    Object.values(values ?? {}).some((value) => value instanceof LongText)
      ? Object.fromEntries(
          Object.entries(values).map(([name, value]) => [
            name,
            value instanceof LongText ? value.text() : value,
          ]),
        )
      : values;
  return { ...record, params: whole(record.params), metrics: whole(record.metrics) } as RunRecord;
}

const CHUNK_BYTES = 1 << 20;
/** In bytes of the line. */
const LONG_TEXT_BYTES = 4096;

/**
 * A record from a line of many megabytes, in little memory: texts of params and metrics that are long stay in the segment.
 *
 * @param from the byte offset of the line
 * @param to that of its newline
 * @returns `undefined` where the line is no record
 * @throws StoreError where the segment can't be read
 */
export async function readLongRecord(
  path: string,
  from: number,
  to: number,
): Promise<StoredRunRecord | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw storeFault(error, path);
  });
  try {
    const line = new LineScanner(path);
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let offset = from; offset < to; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - offset), offset);
      const bytes = wholeCharacters(buffer.subarray(0, bytesRead));
      const taken = isUtf8(bytes) ? line.add(bytes, offset) : 0;
      if (taken === 0) return undefined;
      offset += taken;
    }
    return line.record();
  } catch (error) {
    throw storeFault(error, path);
  } finally {
    await handle.close();
  }
}

const [COLON, SPACE] = [0x3a, 0x20];

/** A text of which the beginning was seen. */
interface OpenText {
  readonly from: number;
  readonly head: Buffer;
}

/** The JSON of a line, piece by piece, with marks in the place of long texts. */
class LineScanner {
  readonly #path: string;
  /** Nobody knows it before, so no text of a record is one. */
  readonly #mark = randomUUID();
  readonly #texts: LongText[] = [];
  #json = '';
  #open: OpenText | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @returns how many of the bytes were taken: the others have to come again, with further ones; 0: it is no JSON */
  add(bytes: Buffer, offset: number): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#open) {
        const { end, closed } = endOfText(bytes, at);
        if (!closed || colonMayFollow(bytes, end + 1) === undefined) return end;
        this.#close(this.#open, offset + end, colonMayFollow(bytes, end + 1) === true);
        at = end + 1;
        continue;
      }
      const from = at;
      let opening = bytes.indexOf(QUOTE, at);
      for (; opening !== -1; opening = bytes.indexOf(QUOTE, at)) {
        const { end, closed } = endOfText(bytes, opening + 1);
        const isLong = end - opening > LONG_TEXT_BYTES;
        if (isLong || !closed) {
          this.#json += bytes.toString('utf8', from, opening);
          if (!isLong) return opening;
          const head = bytes.subarray(opening + 1, headEnd(bytes, opening + 1));
          this.#open = { from: offset + opening + 1, head: Buffer.from(head) };
          at = opening + 1;
          break;
        }
        at = end + 1;
      }
      if (this.#open) continue;
      this.#json += bytes.toString('utf8', from);
      at = bytes.length;
    }
    return at;
  }

  #close({ from, head }: OpenText, to: number, isKey: boolean): void {
    this.#open = undefined;
    const text = new LongText(this.#path, from, to, head);
    // Names stay texts.
    this.#json += isKey ? JSON.stringify(text.text()) : `"${this.#mark}${this.#texts.push(text) - 1}"`;
  }

  /** Called after the last byte. */
  record(): StoredRunRecord | undefined {
    const record = this.#open ? undefined : parseRecord(this.#json);
    if (!record || this.#texts.length === 0) return record;
    const { params, metrics, ...rest } = record;
    const stored = (values: { readonly [name: string]: JsonValue }) =>
      Object.fromEntries(
        Object.entries(values ?? {}).map(([name, value]) => [
          name,
          this.#textOf(value) ?? this.#whole(value),
        ]),
      );
    const found = { ...(this.#whole(rest as unknown as JsonValue) as object) };
    return { ...record, ...found, params: stored(params), metrics: stored(metrics) };
  }

  #textOf(value: JsonValue): LongText | undefined {
    if (typeof value !== 'string' || !value.startsWith(this.#mark)) return undefined;
    return this.#texts[Number(value.slice(this.#mark.length))];
  }

  /** A value with all its texts. */
  #whole(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.#textOf(value)?.text() ?? value;
    if (Array.isArray(value)) return value.map((item) => this.#whole(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.#whole(item as JsonValue)]),
    );
  }
}

/** Where the first kilobytes of a text end: between two characters. */
function headEnd(bytes: Buffer, from: number): number {
  const whole = wholeCharacters(bytes.subarray(from, from + LONG_TEXT_BYTES));
  return from + endOfText(whole, 0).end;
}

/** Whether a name ends before this place. @returns undefined where the bytes don't say */
function colonMayFollow(bytes: Buffer, from: number): boolean | undefined {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== SPACE) return bytes[at] === COLON;
  return undefined;
}
