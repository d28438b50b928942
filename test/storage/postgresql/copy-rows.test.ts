import { expect, test } from 'vitest';
import { connectIndex } from '../../../src/storage/postgresql/connect.js';
import {
  CopyRows,
  type CopyTarget,
  type CopyValue,
  copyIn,
} from '../../../src/storage/postgresql/copy-rows.js';
import { parsePostgres } from '../../../src/storage/postgresql/settings.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();

const TARGET: CopyTarget = {
  table: 'written',
  columns: {
    text: 'text',
    json: 'jsonb',
    small: 'int4',
    large: 'int8',
    real: 'float8',
    time: 'timestamptz',
    line: 'text',
  },
};

/** Writes rows, and reads each column back as PostgreSQL shows it. */
async function written(rows: readonly (readonly [values: readonly CopyValue[], line: string | null])[]) {
  const client = await connectIndex(parsePostgres(await postgres.database(), []));
  try {
    const columns = Object.entries(TARGET.columns);
    await client.query(
      `CREATE TEMP TABLE written (place serial, ${columns.map((column) => column.join(' ')).join(', ')})`,
    );
    const copied = new CopyRows(TARGET);
    for (const [values, line] of rows) copied.add(values, line === null ? undefined : Buffer.from(line));
    await copyIn(client, copied);
    await client.query("SET timezone = 'UTC'");
    const shown = columns.map(([name]) => `${name}::text`).join(', ');
    const { rows: found } = await client.query<Record<string, string | null>>(
      `SELECT ${shown} FROM written ORDER BY place`,
    );
    return { rows: found.map((row) => Object.values(row)), blocks: copied.blocks(), length: copied.length };
  } finally {
    await client.end();
  }
}

test('PostgreSQL has every value as it was given', async () => {
  const line = '{"a":"\\"\\\\n\t\r…\u{1f600}"}';
  const { rows } = await written([
    [
      ['te\txt\n\\N ü\u{1f600}', '{"a": [1e2, "\\n"]}', 7, 2 ** 53 - 1, 0.1, Date.UTC(2026, 1, 3) * 1000 + 1],
      line,
    ],
    [['', '[]', -1, -(2 ** 53 - 1), Number.NaN, Date.UTC(1999, 11, 31, 23, 59) * 1000], ''],
    [['\\', '{}', -(2 ** 31), -1, Number.NEGATIVE_INFINITY, 0], '\\'],
    [['x', 'null', 0, 2 ** 32, -0, undefined], 'y'],
    [[null, null, null, null, null, null], null],
  ]);
  expect(rows).toEqual([
    [
      'te\txt\n\\N ü\u{1f600}',
      '{"a": [100, "\\n"]}',
      '7',
      '9007199254740991',
      '0.1',
      '2026-02-03 00:00:00.000001+00',
      line,
    ],
    ['', '[]', '-1', '-9007199254740991', 'NaN', '1999-12-31 23:59:00+00', ''],
    ['\\', '{}', '-2147483648', '-1', '-Infinity', '1970-01-01 00:00:00+00', '\\'],
    ['x', 'null', '0', '4294967296', '-0', null, 'y'],
    [null, null, null, null, null, null, null],
  ]);
});

test('rows are in blocks of about a MiB, in their order; a long line has a block of its own', async () => {
  const values = (at: number) => [String(at), '{}', at, at, at, null];
  const { rows, blocks, length } = await written([
    ...Array.from({ length: 300 }, (_, at) => [values(at), 'ü'.repeat(5_000)] as const),
    [values(300), 'x'.repeat(3_000_000)],
    [values(301), 'last'],
  ]);
  expect(rows.map(([text]) => text)).toEqual(Array.from({ length: 302 }, (_, at) => String(at)));
  expect(rows.map((row) => row.at(-1)?.length)).toEqual([...Array(300).fill(5_000), 3_000_000, 4]);
  expect(blocks.length).toBeGreaterThanOrEqual(4);
  expect(blocks.reduce((sum, block) => sum + block.length, 0)).toBe(length);
});

test('no rows are no blocks', () => {
  expect(new CopyRows(TARGET).blocks()).toEqual([]);
});
