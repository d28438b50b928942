import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resultsOf } from '../../src/results/open.js';
import type { Results } from '../../src/results/results.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { rowsOf } from './rows-of.js';

// For all statements: one that changed something would be noticed by the next.
let results: Results;
beforeAll(async () => {
  const store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await store.writeManifest(manifestOf());
  writeSegment(
    store,
    [0, 1, 2, 3].map((index) => recordOf({ index, params: { lr: index / 10 } })),
  );
  results = resultsOf(store, EXPERIMENT);
});
afterAll(() => results.close());

it.each([
  "COPY runs TO '/tmp/metalab-sql-escape.csv'",
  "SELECT * FROM read_csv('/etc/passwd')",
  "SELECT * FROM '/etc/passwd'",
  "SELECT * FROM read_text('/etc/hostname')",
  "SELECT * FROM glob('/etc/*')",
  "ATTACH '/tmp/metalab-sql-escape.db'",
  'INSTALL httpfs',
  'LOAD httpfs',
  'PRAGMA database_list',
  'SET enable_external_access = true',
  "SELECT getenv('HOME')",
  'CREATE TABLE t AS SELECT 1',
  'DROP VIEW runs',
  'SELECT 1; SELECT 2',
  "EXPORT DATABASE '/tmp/metalab-sql-escape'",
  '',
  "SELECT * FROM read_blob('/etc/hostname')",
  "FROM '/etc/passwd.csv'",
  "FROM 'https://localhost/runs.csv'",
  "SELECT '127.0.0.1'::INET",
  "FROM sqlite_scan('/tmp/a.db', 't')",
  "FROM query('COPY runs TO ''/tmp/metalab-sql-escape.csv''')",
  "FROM query_table('/etc/passwd.csv')",
  'FROM duckdb_secrets()',
  'WITH new AS (SELECT 1) INSERT INTO runs SELECT * FROM new',
  "COPY (SELECT 1) TO '/tmp/metalab-sql-escape.csv'",
  "SELECT * FROM runs WHERE lr IN (SELECT 1 FROM glob('/etc/*'))",
])('refuses %j', async (text) => {
  await expect(rowsOf(results.query(text))).rejects.toMatchObject({ code: 'METALAB_SQL' });
  expect(await rowsOf(results.sql`SELECT count(*) FROM runs`)).toEqual([[4]]);
});
