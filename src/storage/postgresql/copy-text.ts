import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

/** What a row of COPY holds: null, or something whose text PostgreSQL reads. */
export type CopyValue = string | number | null | undefined;

const SPECIAL = /[\\\n\r\t]/;
const ESCAPES: { readonly [character: string]: string } = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const UNESCAPES: { readonly [character: string]: string } = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** Larger ones are no faster. */
const SLAB_BYTES = 1 << 20;
/** The most bytes of a UTF-16 unit in UTF-8. */
const UTF8_BYTES = 3;

/**
 * Makes rows in COPY's text format. They are bytes, in buffers that many of them share: the line of a record is most of a
 * row, and is copied without becoming text.
 */
export class CopyRows {
  #slab = Buffer.alloc(0);
  #used = 0;

  /** @param last the last column, which is UTF-8 without control characters but tabs and returns; undefined: null */
  row(values: readonly CopyValue[], last: Buffer | undefined): Buffer {
    const text = textOf(values);
    const most = UTF8_BYTES * text.length + 2 * (last?.length ?? 1) + 2;
    if (this.#used + most > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, most));
      this.#used = 0;
    }
    const from = this.#used;
    let at = from + this.#slab.write(text, from);
    at = this.#write('\t', at);
    at = last ? this.#escape(last, at) : this.#write('\\N', at);
    this.#used = this.#write('\n', at);
    return this.#slab.subarray(from, this.#used);
  }

  #write(text: string, at: number): number {
    return at + this.#slab.write(text, at, 'latin1');
  }

  #escape(bytes: Buffer, to: number): number {
    if (bytes.includes(TAB) || bytes.includes(RETURN))
      return to + this.#slab.write(escapeText(bytes.toString('utf8')), to);
    let at = to;
    let from = 0;
    for (let end = bytes.indexOf(BACKSLASH); end !== -1; end = bytes.indexOf(BACKSLASH, from)) {
      this.#slab.set(bytes.subarray(from, end + 1), at);
      at += end + 1 - from;
      this.#slab[at++] = BACKSLASH;
      from = end + 1;
    }
    this.#slab.set(bytes.subarray(from), at);
    return at + bytes.length - from;
  }
}

const [BACKSLASH, TAB, RETURN] = [0x5c, 0x09, 0x0d];

const escapeText = (text: string) =>
  SPECIAL.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character]!) : text;

function textOf(values: readonly CopyValue[]): string {
  let row = '';
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (at > 0) row += '\t';
    if (typeof value === 'string') row += escapeText(value);
    else row += value === null || value === undefined ? '\\N' : value;
  }
  return row;
}

/** @param target a table with its columns, as SQL */
export async function copyIn(client: Client, target: string, rows: Iterable<Buffer>): Promise<void> {
  await pipeline(Readable.from(blocksOf(rows)), client.query(copyFrom(`COPY ${target} FROM STDIN`)));
}

const BLOCK_BYTES = 1 << 20;

function* blocksOf(rows: Iterable<Buffer>): Generator<Buffer> {
  let block: Buffer[] = [];
  let length = 0;
  for (const row of rows) {
    block.push(row);
    length += row.length;
    if (length < BLOCK_BYTES) continue;
    yield Buffer.concat(block, length);
    block = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(block, length);
}

/** The rows of a SELECT whose columns are text, some at a time, in constant memory. */
export async function* copyOut(client: Client, select: string): AsyncGenerator<(string | null)[][], void> {
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT`));
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = bytes.lastIndexOf(10) + 1;
    rest = Buffer.from(bytes.subarray(end));
    if (end === 0) continue;
    const lines = bytes.toString('utf8', 0, end - 1).split('\n');
    yield lines.map((line) => line.split('\t').map(unescapeValue));
  }
}

function unescapeValue(text: string): string | null {
  if (!text.includes('\\')) return text;
  if (text === '\\N') return null;
  return text.replace(/\\(.)/g, (_, character: string) => UNESCAPES[character] ?? character);
}
