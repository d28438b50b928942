import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { StoreError } from '../../../definition/errors.js';
import type { JsonValue } from '../../../definition/json.js';
import { wellFormedJson } from '../../../definition/well-formed.js';
import { storeFault } from '../faults.js';

const PIECE_BYTES = 1 << 20;

/** A text of a record's line, or the JSON of a list or object, that is left in its segment until somebody wants it. */
export class LongText {
  readonly type: 'text' | 'json';
  readonly #path: string;
  readonly #from: number;
  readonly #to: number;
  /** Its beginning: the text of its first kilobytes. */
  readonly head: string;

  /**
   * @param path of the segment
   * @param from the byte offset after its opening quote, or that of a list's or object's bracket
   * @param to that of its closing quote, or after the bracket
   * @param head as bytes of the line
   */
  constructor(path: string, from: number, to: number, head: Buffer, type: 'text' | 'json' = 'text') {
    this.#path = path;
    this.#from = from;
    this.#to = to;
    this.type = type;
    this.head = this.#read(head);
  }

  /** The same for equal texts, and begins as the text does: made of all of it. */
  identity(): string {
    const hash = createHash('sha256');
    for (const piece of this.pieces()) hash.update(piece);
    return `${this.head} ${hash.digest('hex')}`;
  }

  /** How many bytes of the line it takes: those of the text are not more. */
  get size(): number {
    return this.#to - this.#from;
  }

  /**
   * The text, or the JSON, in UTF-8.
   *
   * @throws StoreError where the segment can't be read
   */
  bytes(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.size);
    let end = 0;
    for (const piece of this.pieces()) end += bytes.write(piece, end);
    return bytes.subarray(0, end);
  }

  /** The text, some of it at a time. */
  *pieces(): Generator<string, void> {
    for (const bytes of this.#bytesOfLine()) yield this.#read(bytes);
  }

  /** Its JSON, as the line has it. */
  *json(): Generator<string, void> {
    const mark = this.type === 'text' ? '"' : '';
    yield mark;
    for (const bytes of this.#bytesOfLine()) yield wellFormedJson(bytes.toString('utf8'));
    yield mark;
  }

  /** Cut between characters and escapes. Valid until the next are asked for. */
  *#bytesOfLine(): Generator<Buffer, void> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.size));
    const file = this.#attempt(() => openSync(this.#path, 'r'));
    try {
      for (let at = this.#from; at < this.#to; ) {
        const most = Math.min(buffer.length, this.#to - at);
        const read = this.#attempt(() => readSync(file, buffer, 0, most, at));
        const bytes = wholeCharacters(buffer.subarray(0, read));
        let end = this.type === 'json' ? bytes.length : endOfText(bytes, 0).end;
        if (at + end < this.#to && endsWithHalfOfPair(bytes, end)) end -= ESCAPE_LENGTH;
        if (end === 0) throw shortened(this.#path);
        at += end;
        yield bytes.subarray(0, end);
      }
    } finally {
      closeSync(file);
    }
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  /** The text itself, or what the JSON says. */
  value(): JsonValue {
    return this.type === 'json' ? (JSON.parse(wellFormedJson(this.text())) as JsonValue) : this.text();
  }

  /**
   * What a table shows of it, whose texts have so many characters at most. Of a list or object the first members, where those
   * alone have more.
   */
  cut(longest: number): JsonValue {
    if (this.type === 'text') return (this.head.length < longest ? this.text() : this.head).slice(0, longest);
    const members = firstMembers(this.head);
    return JSON.stringify(members).length > longest ? members : this.head;
  }

  #read(part: Buffer): string {
    return this.type === 'json' ? part.toString('utf8') : textOf(part);
  }

  #attempt<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw storeFault(error, this.#path);
    }
  }
}

/** A list of texts of which some are long. */
export class LongTextList {
  readonly items: readonly (string | LongText)[];
  /** How many bytes its JSON takes at most. */
  readonly size: number;

  constructor(items: readonly (string | LongText)[]) {
    this.items = items;
    this.size = items.reduce(
      (sum, item) =>
        sum + 1 + (item instanceof LongText ? item.size + 2 : Buffer.byteLength(JSON.stringify(item))),
      1,
    );
  }

  /** The JSON, in UTF-8. */
  bytes(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.size);
    let end = 0;
    for (const piece of this.json()) end += bytes.write(piece, end);
    return bytes.subarray(0, end);
  }

  /** The JSON, some of it at a time. */
  *json(): Generator<string, void> {
    for (const [at, item] of this.items.entries()) {
      yield at === 0 ? '[' : ',';
      if (item instanceof LongText) yield* item.json();
      else yield JSON.stringify(item);
    }
    yield ']';
  }

  /** The texts themselves. */
  value(): string[] {
    return this.items.map((item) => (item instanceof LongText ? item.text() : item));
  }

  /** What a table shows of it: its first texts, each cut, until they have so many characters. */
  cut(longest: number): string[] {
    const texts: string[] = [];
    for (let at = 0, length = 0; at < this.items.length && length < longest; at++) {
      const item = this.items[at]!;
      const text = item instanceof LongText ? String(item.cut(longest)) : item.slice(0, longest);
      texts.push(text);
      length += text.length;
    }
    return texts;
  }
}

/** A value, or a list of a record's texts, that may have many megabytes. */
export type LongValue = LongText | LongTextList;

export const isLongValue = (value: unknown): value is LongValue =>
  value instanceof LongText || value instanceof LongTextList;

/** The members of a list or object that stand before the last comma of its beginning; of nested ones, too. */
function firstMembers(head: string): JsonValue {
  const closing: string[] = [];
  let members = '';
  for (let at = 0; at < head.length; at++) {
    const character = head[at]!;
    if (character === '"') {
      for (at++; at < head.length && head[at] !== '"'; at++) if (head[at] === '\\') at++;
    } else if (character === '[' || character === '{') closing.unshift(character === '[' ? ']' : '}');
    else if (character === ']' || character === '}') closing.shift();
    else if (character === ',') members = head.slice(0, at) + closing.join('');
  }
  return members === '' ? head : (JSON.parse(wellFormedJson(members)) as JsonValue);
}

const shortened = (path: string) =>
  new StoreError({
    code: 'METALAB_STORE_CORRUPT',
    where: path,
    what: 'the segment became shorter while it was read',
    next: 'metalab store check',
  });

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_U = 0x75;
/** By byte, 1 for what may follow a backslash, but for `u`. */
const LETTERS = new Uint8Array(256);
for (const letter of Buffer.from('"\\/bfnrt')) LETTERS[letter] = 1;

/**
 * How long the escape is that begins at a backslash.
 *
 * @returns undefined where it is none; 0 where the bytes end before it does
 */
function escapeLength(bytes: Buffer, at: number): number | undefined {
  if (at + 1 >= bytes.length) return 0;
  if (bytes[at + 1] !== LETTER_U) return LETTERS[bytes[at + 1]!] === 1 ? 2 : undefined;
  if (at + 6 > bytes.length) return 0;
  for (let digit = at + 2; digit < at + 6; digit++) if (!isHex(bytes[digit]!)) return undefined;
  return 6;
}

const ESCAPE_LENGTH = '\\ud83d'.length;
const HALF_OF_PAIR = /^\\ud[89ab]/i;

/** Whether the last character is an escape that may be the first half of a pair: the two mean one character only together. */
function endsWithHalfOfPair(bytes: Buffer, end: number): boolean {
  const from = end - ESCAPE_LENGTH;
  if (from < 0 || !HALF_OF_PAIR.test(bytes.toString('latin1', from, end))) return false;
  let backslashes = 0;
  while (bytes[from - 1 - backslashes] === BACKSLASH) backslashes++;
  return backslashes % 2 === 0;
}

const isHex = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);

/** What a part of a JSON string means, which no character or escape is cut by. */
const textOf = (part: Buffer): string =>
  part.includes(BACKSLASH)
    ? (JSON.parse(wellFormedJson(`"${part.toString('utf8')}"`)) as string)
    : part.toString('utf8');

/**
 * @returns `end`: the offset of the closing quote or, if the bytes end before it, the offset to continue from; `from` if the
 *   bytes are not JSON
 */
export function endOfText(bytes: Buffer, from: number): { readonly end: number; readonly closed: boolean } {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return { end: at, closed: true };
    if (byte === BACKSLASH) {
      const length = escapeLength(bytes, at);
      if (!length) return { end: length === 0 ? at : from, closed: false };
      at += length - 1;
    } else if (byte < SPACE) return { end: from, closed: false };
  }
  return { end: bytes.length, closed: false };
}

/** Without the bytes of a last character that is incomplete. */
export function wholeCharacters(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && (bytes[start]! & 0xc0) === 0x80) start--;
  const lead = bytes[start] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}
