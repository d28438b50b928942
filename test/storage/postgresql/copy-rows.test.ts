import { expect, test } from 'vitest';
import { CopyRows } from '../../../src/storage/postgresql/copy-text.js';

const rows = new CopyRows();

test.each([
  ['{"a":1}', '{"a":1}'],
  ['{"ü":"…\u{1f600}"}', '{"ü":"…\u{1f600}"}'],
  ['\\', '\\\\'],
  ['{"a":"\\"\\\\n"}', '{"a":"\\\\"\\\\\\\\n"}'],
  ['\\a\\', '\\\\a\\\\'],
  ['{"a":\t1,\r"b\\u0000":2}', '{"a":\\t1,\\r"b\\\\u0000":2}'],
  ['', ''],
  ['x'.repeat(3_000_000), 'x'.repeat(3_000_000)],
])('a row ends with its line, as COPY reads it: %.20s', (line, expected) => {
  const values = ['te\txt\n\\', 1, null, undefined, 'ü'];
  const row = rows.row(values, Buffer.from(line));
  // Rows that follow in the same buffer leave it as it is.
  for (let i = 0; i < 100; i++) rows.row(values, Buffer.from('\\'.repeat(20_000)));
  expect(row.toString('utf8')).toBe(`te\\txt\\n\\\\\t1\t\\N\t\\N\tü\t${expected}\n`);
});

test('a row without a line ends with null', () => {
  expect(rows.row([1], undefined).toString()).toBe('1\t\\N\n');
});
