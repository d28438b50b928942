import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** PostgreSQL's types that columns have. `timestamptz` is given as µs since 1970. */
export type ColumnType = 'text' | 'jsonb' | 'int4' | 'int8' | 'float8' | 'timestamptz';

/** A table, and its columns in the order of the rows' values. */
export interface CopyTarget {
  readonly table: string;
  readonly columns: { readonly [name: string]: ColumnType };
}

/** A string for `text` and `jsonb`, else a number; null and undefined are NULL. */
export type CopyValue = string | number | null | undefined;

/** Larger ones are no faster. */
const BLOCK_BYTES = 1 << 20;
/** The most bytes of a UTF-16 unit in UTF-8. */
const UTF8_BYTES = 3;
/** The most bytes of a value beside its text: its length, and a number. */
const VALUE_BYTES = 4 + 8;
const NULL_LENGTH = -1;
const JSONB_VERSION = 1;
/** PostgreSQL counts time from 2000. */
const EPOCH_US = Date.UTC(2000, 0, 1) * 1000;

/**
 * Rows in COPY's binary format, as blocks of bytes. PostgreSQL takes them faster than text, of which it looks at each
 * byte three times; and an object for each row would cost more than its bytes.
 */
export class CopyRows {
  readonly target: CopyTarget;
  readonly #types: readonly ColumnType[];
  readonly #full: Buffer[] = [];
  #block = Buffer.alloc(0);
  #used = 0;
  #length = 0;

  constructor(target: CopyTarget) {
    this.target = target;
    this.#types = Object.values(target.columns);
  }

  /** Of all rows, in bytes. */
  get length(): number {
    return this.#length;
  }

  /**
   * @param values of all columns but the last, in their order
   * @param last the last column's UTF-8, copied without becoming text; undefined: NULL
   */
  add(values: readonly CopyValue[], last: Buffer | undefined): void {
    this.#makeRoom(values, last);
    const from = this.#used;
    const block = this.#block;
    let at = block.writeInt16BE(this.#types.length, from);
    for (let column = 0; column < values.length; column++)
      at = write(block, at, this.#types[column]!, values[column]);
    at = block.writeInt32BE(last?.length ?? NULL_LENGTH, at);
    if (last) block.set(last, at);
    this.#used = at + (last?.length ?? 0);
    this.#length += this.#used - from;
  }

  /** Some rows each. */
  blocks(): readonly Buffer[] {
    return this.#used === 0 ? this.#full : [...this.#full, this.#block.subarray(0, this.#used)];
  }

  #makeRoom(values: readonly CopyValue[], last: Buffer | undefined): void {
    let most = 2 + 4 + (last?.length ?? 0);
    for (const value of values)
      most += VALUE_BYTES + (typeof value === 'string' ? UTF8_BYTES * value.length : 0);
    if (this.#used + most <= this.#block.length) return;
    if (this.#used > 0) this.#full.push(this.#block.subarray(0, this.#used));
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, most));
    this.#used = 0;
  }
}

/** @returns where the next value goes */
function write(block: Buffer, at: number, type: ColumnType, value: CopyValue): number {
  if (value === null || value === undefined) return block.writeInt32BE(NULL_LENGTH, at);
  if (typeof value === 'string') {
    const from = type === 'jsonb' ? block.writeUInt8(JSONB_VERSION, at + 4) : at + 4;
    const end = writeText(block, from, value);
    block.writeInt32BE(end - at - 4, at);
    return end;
  }
  if (type === 'int4') return block.writeInt32BE(value, block.writeInt32BE(4, at));
  const from = block.writeInt32BE(8, at);
  if (type === 'float8') return block.writeDoubleBE(value, from);
  const whole = type === 'timestamptz' ? value - EPOCH_US : value;
  const high = Math.floor(whole / 2 ** 32);
  return block.writeUInt32BE(whole - high * 2 ** 32, block.writeInt32BE(high, from));
}

/** Below this length, a loop is faster than a call of Node's own code. */
const SHORT_TEXT = 64;

/** @returns the end of the text's UTF-8 */
function writeText(block: Buffer, from: number, text: string): number {
  if (text.length > SHORT_TEXT) return from + block.write(text, from);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return from + block.write(text, from);
    block[from + at] = code;
  }
  return from + text.length;
}

/** A signature, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);

/** @param table by default that of the rows; another one with the same columns */
export async function copyIn(client: Client, rows: CopyRows, table = rows.target.table): Promise<void> {
  const columns = Object.keys(rows.target.columns).join(', ');
  const stream = client.query(copyFrom(`COPY ${table} (${columns}) FROM STDIN (FORMAT binary)`));
  await pipeline(Readable.from([HEADER, ...rows.blocks(), TRAILER]), stream);
}
