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

/** One row in COPY's text format. */
export function copyRow(values: readonly CopyValue[]): string {
  let row = '';
  for (let at = 0; at < values.length; at++) {
    const value = values[at];
    if (at > 0) row += '\t';
    if (typeof value === 'string')
      row += SPECIAL.test(value) ? value.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character]!) : value;
    else row += value === null || value === undefined ? '\\N' : value;
  }
  return `${row}\n`;
}

/** @param target a table with its columns, as SQL */
export async function copyIn(client: Client, target: string, rows: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(blocksOf(rows)), client.query(copyFrom(`COPY ${target} FROM STDIN`)));
}

const BLOCK_LENGTH = 1 << 18;

function* blocksOf(rows: Iterable<string>): Generator<Buffer> {
  let block = '';
  for (const row of rows) {
    block += row;
    if (block.length < BLOCK_LENGTH) continue;
    yield Buffer.from(block);
    block = '';
  }
  if (block !== '') yield Buffer.from(block);
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
