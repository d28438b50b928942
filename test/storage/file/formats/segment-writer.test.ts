import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newWriterName, SegmentWriter } from '../../../../src/storage/file/formats/segment-writer.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-segment-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a segment is created at its first flush, and not before', () => {
  const writer = new SegmentWriter(join(folder, 'a', 'b'), 's.ndjson');
  writer.append('{"a":"ü€😀"}');
  writer.flush();
  const path = join(folder, 'a', 'b', 's.ndjson');
  expect(readFileSync(path, 'utf8')).toBe('{"a":"ü€😀"}\n');
  expect(writer).toMatchObject({ lines: 1, bytes: readFileSync(path).length, pendingBytes: 0 });
  const unused = new SegmentWriter(folder, 'unused.ndjson');
  unused.flush();
  unused.sync();
  expect(existsSync(join(folder, 'unused.ndjson'))).toBe(false);
});

test('a segment that is there already is never appended to', () => {
  writeFileSync(join(folder, 's.ndjson'), 'another’s');
  const writer = new SegmentWriter(folder, 's.ndjson');
  writer.append('{}');
  expect(() => writer.flush()).toThrow(/EEXIST/);
  expect(readFileSync(join(folder, 's.ndjson'), 'utf8')).toBe('another’s');
});

test('lines longer than the buffer are written whole', () => {
  const writer = new SegmentWriter(folder, 's.ndjson');
  const long = '€'.repeat(200_000);
  for (const line of ['short', long, 'short']) writer.append(line);
  writer.flush();
  expect(readFileSync(join(folder, 's.ndjson'), 'utf8')).toBe(`short\n${long}\nshort\n`);
});

test('lines that wait can be rewritten', () => {
  const writer = new SegmentWriter(folder, 's.ndjson');
  writer.append('flushed');
  writer.flush();
  writer.append('a');
  writer.append('b');
  writer.rewritePending((line) => `${line}${line}`);
  writer.flush();
  expect(readFileSync(join(folder, 's.ndjson'), 'utf8')).toBe('flushed\naa\nbb\n');
  expect(writer.lines).toBe(3);
});

test('after a failed write the segment is abandoned', () => {
  const writer = new SegmentWriter(folder, 's.ndjson');
  writeFileSync(join(folder, 's.ndjson'), '');
  writer.append('{}');
  expect(() => writer.flush()).toThrow();
  rmSync(join(folder, 's.ndjson'));
  writer.append('{}');
  writer.flush();
  expect(existsSync(join(folder, 's.ndjson'))).toBe(false);
  expect(writer.lines).toBe(0);
});

test.each([
  ['deleted', (path: string) => rmSync(path)],
  ['moved away', (path: string) => renameSync(path, `${path}.moved`)],
  [
    'replaced by its mended copy',
    (path: string) => {
      linkSync(path, `${path}.kept`);
      copyFileSync(path, `${path}.tmp`);
      renameSync(`${path}.tmp`, path);
    },
  ],
])('a segment that is %s while it is written is a fault of the store at the next sync', (_, act) => {
  const writer = new SegmentWriter(folder, 's.ndjson');
  writer.append('{}');
  writer.flush();
  writer.sync();
  act(join(folder, 's.ndjson'));
  writer.sync();
  writer.append('{}');
  writer.flush();
  expect(() => writer.sync()).toThrow(expect.objectContaining({ code: 'ESTALE' }));
  writer.close();
});

test('writers’ names are their own, and never taken for a sidecar’s', () => {
  expect(newWriterName()).not.toBe(newWriterName());
  expect(newWriterName()).toMatch(/^[A-Za-z0-9._]+-\d+-[0-9a-f]{10}$/);
});
