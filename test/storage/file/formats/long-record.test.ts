import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readLongRecord, wholeRecord } from '../../../../src/storage/file/formats/long-record.js';
import { LongText } from '../../../../src/storage/file/formats/long-text.js';
import { readRecord } from '../../../../src/storage/file/formats/read-record.js';
import { recordOf } from '../../../support/records.js';
import { temporaryFolder } from '../temporary-store.js';

/** All that JSON escapes, and characters of one to four bytes, so that every border of a piece falls into each somewhere. */
const MIXED = 'a"é\\漢\n😀\t\u0001/\ud800\u2028 b';
const long = (bytes: number, start = '') => start + MIXED.repeat(Math.ceil(bytes / MIXED.length));

const RECORD = recordOf({
  params: { x: 1, text: long(9000), nested: { a: [long(9000), 'short'] }, [long(5000, 'name')]: 2 },
  metrics: {
    ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`m${at}`, long(at * 100_003, `${at}`)])),
    nan: { $numberDouble: 'NaN' } as unknown as number,
    good: true,
  },
  notes: [long(20_000), 'b'],
});

function write(
  line: Uint8Array,
  before = '',
): { readonly path: string; read(): ReturnType<typeof readLongRecord> } {
  const path = join(temporaryFolder(), 'segment.ndjson');
  writeFileSync(path, Buffer.concat([Buffer.from(before), line, Buffer.from('\n{}\n')]));
  const from = Buffer.byteLength(before);
  return { path, read: () => readLongRecord(path, from, from + line.length) };
}

it('has the same values as a record that is parsed as a whole, and long texts are left in the file', async () => {
  const line = Buffer.from(JSON.stringify(RECORD));
  for (const before of ['', '{"a":1}\n']) {
    const record = (await write(line, before).read())!;
    expect(record.metrics.m1).toBeInstanceOf(LongText);
    const { m11 } = record.metrics as { m11: LongText };
    expect([...m11.pieces()].join('')).toBe(m11.text());
    expect(m11.bytes().toString()).toBe(m11.text());
    const whole = wholeRecord(record);
    const wanted = readRecord(line, 0, line.length)!;
    expect(Object.keys(whole)).toEqual(Object.keys(wanted));
    expect(JSON.stringify(whole) === JSON.stringify(wanted)).toBe(true);
  }
});

it('tells equal texts from others that begin the same', async () => {
  const metrics = { a: long(50_000), b: long(50_000), c: `${long(50_000)}.` };
  const record = await write(Buffer.from(JSON.stringify({ ...RECORD, metrics }))).read();
  const [a, b, c] = Object.values(record!.metrics).map((text) => (text as LongText).identity());
  expect(a).toBe(b);
  expect(a).not.toBe(c);
});

it('is none where the line is damaged, within a long text, too', async () => {
  const line = Buffer.from(JSON.stringify(RECORD));
  const at = line.indexOf('ba', Math.floor(line.length / 2));
  for (const damage of [0x00, 0x09, 0xff, 0x22]) {
    const damaged = Buffer.from(line);
    damaged[at] = damage;
    expect((await write(damaged).read()) === undefined).toBe(true);
  }
  expect(await write(line.subarray(0, at)).read()).toBeUndefined();
  expect(await write(line.subarray(0, line.length - 1)).read()).toBeUndefined();
});
