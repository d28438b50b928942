import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';

const UNESCAPES: { readonly [character: string]: string } = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
};

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
