import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { ErrorDescription } from '../../../definition/errors.js';
import type { JsonValue } from '../../../definition/json.js';
import type { RunRecord } from '../../../definition/record.js';
import { storeFault } from '../faults.js';
import { endOfText, LongText, QUOTE, wholeCharacters } from './long-text.js';
import { parseRecord, readRecord } from './read-record.js';
import { type LinesAt, openLines } from './segments.js';

/** A value of a param or metric, which may have been left where it stands. */
export type StoredValue = JsonValue | LongText;

/** A text that may have been left where it stands. */
export type StoredText = string | LongText;

/** A record whose params, metrics and texts may be long. */
export interface StoredRunRecord
  extends Omit<RunRecord, 'params' | 'metrics' | 'notes' | 'warnings' | 'error'> {
  readonly params: { readonly [name: string]: StoredValue };
  readonly metrics: { readonly [name: string]: StoredValue };
  readonly notes: readonly StoredText[];
  readonly warnings: readonly StoredText[];
  readonly error: { readonly [Part in keyof ErrorDescription]: StoredText } | null;
}

/** Records at their offsets, with all their values. */
export const openRecords = (): LinesAt<RunRecord> =>
  openLines(readRecord, async (path, from, to) => {
    const record = await readLongRecord(path, from, to);
    return record && wholeRecord(record);
  });

/** What of a record may have long values. */
const LONG_PARTS = ['params', 'metrics', 'notes', 'warnings', 'error'] as const;
const isLongPart = (name: string) => (LONG_PARTS as readonly string[]).includes(name);

/** The record with all its values and texts. */
export function wholeRecord(record: StoredRunRecord): RunRecord {
  const hasLong = (part: object | null) =>
    Object.values(part ?? {}).some((value) => value instanceof LongText);
  const long = LONG_PARTS.filter((name) => hasLong(record[name]));
  if (long.length === 0) return record as RunRecord;
  const whole = (value: unknown) => (value instanceof LongText ? value.value() : value);
  return {
    ...record,
    ...Object.fromEntries(long.map((name) => [name, mapMembers(record[name] as object, whole)])),
  } as RunRecord;
}

function mapMembers(part: object, map: (value: unknown) => unknown): object {
  if (Array.isArray(part)) return part.map(map);
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, map(value)]));
}

const CHUNK_BYTES = 1 << 20;
/** In bytes of the line. */
const LONG_TEXT_BYTES = 4096;

/**
 * A record from a line of many megabytes, in little memory: texts, lists and objects of params and metrics that are long stay in
 * the segment, and so do the texts of notes, warnings and its error.
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

const [COLON, SPACE, BACKSLASH] = [0x3a, 0x20, 0x5c];
const [OPENING_BRACE, OPENING_BRACKET, CLOSING_BRACE, CLOSING_BRACKET] = [0x7b, 0x5b, 0x7d, 0x5d];
/** Where the names of params and metrics stand: the record is 1. */
const VALUES_DEPTH = 2;
const MAX_KEY_BYTES = 'metrics'.length;

/** A text of which the beginning was seen. */
interface OpenText {
  readonly from: number;
  readonly head: Buffer;
}

/** A list or object of params or metrics of which the beginning was seen. */
interface OpenValue {
  readonly from: number;
  /** The first kilobytes, and how many there are. */
  readonly head: Buffer;
  length: number;
  depth: number;
  inText: boolean;
  /** After a backslash. */
  escaped: boolean;
}

/** The JSON of a line, piece by piece, with marks in the place of long texts and values. */
class LineScanner {
  readonly #path: string;
  /** Nobody knows it before, so no text of a record is one. */
  readonly #mark = randomUUID();
  readonly #texts: LongText[] = [];
  #json = '';
  #open: OpenText | undefined;
  #value: OpenValue | undefined;
  #depth = 0;
  /** The last short text in the record itself: before an object it is its name. */
  #key = '';
  #inValues = false;

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
      if (this.#value) {
        const end = this.#addToValue(this.#value, bytes, at, offset);
        if (end === undefined) return 0;
        at = end;
        continue;
      }
      const from = at;
      for (; at < bytes.length; at++) {
        const byte = bytes[at]!;
        if (byte === QUOTE) {
          const { end, closed } = endOfText(bytes, at + 1);
          const isLong = end - at > LONG_TEXT_BYTES;
          if (isLong || !closed) {
            this.#json += bytes.toString('utf8', from, at);
            if (!isLong) return at;
            const head = bytes.subarray(at + 1, headEnd(bytes, at + 1));
            this.#open = { from: offset + at + 1, head: Buffer.from(head) };
            at++;
            break;
          }
          if (this.#depth === 1 && end - at - 1 <= MAX_KEY_BYTES)
            this.#key = bytes.toString('latin1', at + 1, end);
          at = end;
        } else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
          if (this.#inValues && this.#depth === VALUES_DEPTH) {
            this.#json += bytes.toString('utf8', from, at);
            this.#value = openValue(offset + at);
            break;
          }
          this.#depth++;
          if (this.#depth === VALUES_DEPTH) this.#inValues = VALUES.has(this.#key);
        } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) this.#depth--;
      }
      if (this.#open || this.#value) continue;
      this.#json += bytes.toString('utf8', from);
    }
    return at;
  }

  /** @returns where the value or the bytes end; undefined: it is no JSON */
  #addToValue(value: OpenValue, bytes: Buffer, from: number, offset: number): number | undefined {
    let at = from;
    do {
      const byte = bytes[at++]!;
      if (value.inText) {
        if (byte < SPACE) return undefined;
        if (value.escaped) value.escaped = false;
        else if (byte === BACKSLASH) value.escaped = true;
        else if (byte === QUOTE) value.inText = false;
      } else if (byte === QUOTE) value.inText = true;
      else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) value.depth++;
      else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) value.depth--;
    } while (value.depth > 0 && at < bytes.length);
    value.length += bytes.copy(value.head, value.length, from, at);
    if (value.depth === 0) this.#closeValue(value, offset + at);
    return at;
  }

  #closeValue({ from, head, length }: OpenValue, to: number): void {
    this.#value = undefined;
    if (to - from <= LONG_TEXT_BYTES) this.#json += head.toString('utf8', 0, length);
    else this.#addMark(new LongText(this.#path, from, to, wholeCharacters(head), 'json'));
  }

  #addMark(text: LongText): void {
    this.#json += `"${this.#mark}${this.#texts.push(text) - 1}"`;
  }

  #close({ from, head }: OpenText, to: number, isKey: boolean): void {
    this.#open = undefined;
    const text = new LongText(this.#path, from, to, head);
    // Names stay texts.
    if (isKey) this.#json += JSON.stringify(text.text());
    else this.#addMark(text);
  }

  /** Called after the last byte. */
  record(): StoredRunRecord | undefined {
    const record = this.#open || this.#value ? undefined : parseRecord(this.#json);
    if (!record || this.#texts.length === 0) return record;
    const stored = (value: unknown) => this.#textOf(value as JsonValue) ?? this.#whole(value as JsonValue);
    const members = Object.entries(record).map(([name, value]) => [
      name,
      isLongPart(name) && typeof value === 'object' && value !== null
        ? mapMembers(value, stored)
        : this.#whole(value),
    ]);
    return Object.fromEntries(members) as StoredRunRecord;
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

const VALUES: ReadonlySet<string> = new Set(['params', 'metrics']);

const openValue = (from: number): OpenValue => ({
  from,
  head: Buffer.allocUnsafe(LONG_TEXT_BYTES),
  length: 0,
  depth: 0,
  inText: false,
  escaped: false,
});

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
