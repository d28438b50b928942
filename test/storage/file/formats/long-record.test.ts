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
  params: {
    x: 1,
    text: long(9000),
    nested: { a: [long(9000), 'short'] },
    [long(5000, 'name')]: 2,
    list: Array.from({ length: 2000 }, (_, at) => [at / 7, at % 2 === 0 ? MIXED : '[{"', { a: null }]),
    object: Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`"${at}`, { b: [MIXED] }])),
    short: [1, { a: [MIXED] }],
  },
  metrics: {
    ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`m${at}`, long(at * 100_003, `${at}`)])),
    nan: { $numberDouble: 'NaN' } as unknown as number,
    good: true,
  },
  notes: [long(20_000), 'b'],
  warnings: [long(5000), MIXED],
  error: { type: 'Error', message: long(30_000), stack: long(30_000, 'Error: ') },
});

const mended = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll('\\ud800', '\ufffd'));

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
    for (const name of ['list', 'object']) {
      const value = record.params[name] as LongText;
      expect(value.type).toBe('json');
      expect(value.value()).toEqual(mended(RECORD.params[name]));
      expect(JSON.parse([...value.json()].join(''))).toEqual(mended(RECORD.params[name]));
    }
    expect(record.notes).toEqual([expect.any(LongText), 'b']);
    expect(record.error?.message).toBeInstanceOf(LongText);
    expect(record.params.short).toEqual(mended(RECORD.params.short));
    expect(JSON.parse([...m11.json()].join(''))).toBe(m11.text());
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

it('a table shows as much of a long list or object as its texts may have, not as if that were all', async () => {
  const params = {
    list: Array.from({ length: 100_000 }, (_, at) => at / 7),
    object: { a: 1, text: 'a, b'.repeat(100_000), z: 2 },
    nested: [[{ a: Array.from({ length: 100_000 }, () => 'x, "') }]],
  };
  const record = await write(Buffer.from(JSON.stringify({ ...RECORD, params }))).read();
  const cut = Object.values(record!.params).map((value) => (value as LongText).cut(1000));
  for (const value of cut) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    expect(text.length).toBeGreaterThan(1000);
    expect(text.length).toBeLessThan(5000);
  }
  expect(cut[0]).toEqual(params.list.slice(0, (cut[0] as number[]).length));
  expect(cut[1]).toMatch(/^\{"a":1,"text":"a, ba, b/);
  expect(JSON.stringify(cut[2])).toMatch(/^\[\[\{"a":\["x, \\"","x, .*\]\}\]\]$/);
});

it('a character that others wrote as two escapes stays one, wherever a piece ends', async () => {
  for (let before = 0; before < 12; before++) {
    const text = `${'\\'.repeat(before)}${'😀'.repeat(100_000)}\\ud83d`;
    const line = JSON.stringify(recordOf({ metrics: { text } })).replaceAll('😀', String.raw`\ud83d\ude00`);
    const record = (await write(Buffer.from(line)).read())!;
    const stored = record.metrics.text as LongText;
    expect(stored.size).toBeGreaterThan(1 << 20);
    expect(stored.text() === text).toBe(true);
  }
});
