import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compactRuns } from '../../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../../src/results/compaction/scratch-folders.js';
import { openDatabase, quoteText } from '../../../src/results/duckdb/database.js';
import { checkStore, nothingChecked } from '../../../src/storage/file/check/check-store.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { openRunsFile } from '../../../src/storage/file/formats/runs-file.js';
import { runsFile, runsFolder, segmentsFolder } from '../../../src/storage/file/layout.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { EXPERIMENT, recordOf, writeSegment } from '../../support/records.js';
import { appendLate, expectReaders, fillStore, finalRecordsOf, moreRecords } from './varied-store.js';

const folderOf = (store: FileStore) => store.experimentFolder(EXPERIMENT);
const compact = (store: FileStore) => compactRuns(folderOf(store), newScratchFolder(folderOf(store)));

it('readers have the same rows without a compaction, with all compacted, with a part of it, and after the next', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  const finals = await finalRecordsOf(store);
  await expectReaders(store, finals);
  expect(await compact(store)).toBe(finals.length);
  await expectReaders(store, finals);
  expect(await compact(store)).toBeNull();

  writeSegment(store, moreRecords(), { writer: 'host-3-cc', submission: 's3' });
  const more = await finalRecordsOf(store);
  expect(more.length).toBe(finals.length + 30);
  await expectReaders(store, more);
  expect(await compact(store)).toBe(more.length);
  await expectReaders(store, more);
  expect(readdirSync(runsFolder(folderOf(store)))).toEqual(['runs.parquet']);
});

it('late lines of a segment that was compacted follow the rule, before and after the next compaction', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  await compact(store);
  appendLate(join(segmentsFolder(folderOf(store), 's2'), 'host-2-bb.ndjson'));
  const finals = await finalRecordsOf(store);
  expect(finals.find(({ index }) => index === 50)?.metrics.y).toBe(1);
  expect(finals.find(({ index }) => index === 4)?.metrics.y).toBe(99);
  await expectReaders(store, finals);
  await compact(store);
  await expectReaders(store, finals);
});

it('a torn or corrupt file is ignored, wherever it is damaged, and is written again', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  const finals = await finalRecordsOf(store);
  await compact(store);
  const file = runsFile(folderOf(store));
  const good = readFileSync(file);
  const isSeen = async () => {
    const opened = await openRunsFile(folderOf(store));
    await opened?.close();
    return opened !== undefined;
  };
  expect(await isSeen()).toBe(true);
  for (let part = 0; part < 60; part++) {
    const damaged = Buffer.from(good);
    const place = Math.floor((part * (good.length - 1)) / 59);
    damaged[place] = damaged[place]! ^ 0x10;
    writeFileSync(file, damaged);
    expect(await isSeen(), `byte ${place} of ${good.length}`).toBe(false);
    truncateSync(file, place);
    expect(await isSeen(), `${place} of ${good.length} bytes`).toBe(false);
  }
  await expectReaders(store, finals);
  expect(await compact(store)).toBe(finals.length);
  expect(await isSeen()).toBe(true);
  await expectReaders(store, finals);
});

it.each([
  ['has disappeared', (path: string) => rmSync(path)],
  ['is shorter than it was', (path: string) => truncateSync(path, statSync(path).size >> 1)],
])(
  'where a covered segment %s, the segments alone count for all, and the check names it',
  async (_, lose) => {
    const store = await temporaryStore();
    await fillStore(store);
    const before = await finalRecordsOf(store);
    await compact(store);
    const file = runsFile(folderOf(store));
    const lost = join(segmentsFolder(folderOf(store), 's2'), 'host-2-bb.ndjson');
    const segment = readFileSync(lost);
    const stale = readFileSync(file);
    lose(lost);
    const finals = await finalRecordsOf(store);
    expect(finals).not.toEqual(before);
    await expectReaders(store, finals);
    expect(await namedMissing(store)).toEqual([lost]);
    await compact(store);
    await expectReaders(store, finals);
    expect(await namedMissing(store)).toEqual([]);

    writeFileSync(file, stale);
    writeFileSync(lost, segment);
    await expectReaders(store, before);
    expect(await namedMissing(store)).toEqual([]);
  },
);

async function namedMissing(store: FileStore): Promise<string[]> {
  const named: string[] = [];
  const options = { quick: true, alone: false, metalabVersion: '0' };
  for await (const { kind, path } of checkStore(store.root, options, nothingChecked()))
    if (kind === 'segment-missing') named.push(path);
  return named;
}

it('a reader keeps reading the file that it opened while that is replaced', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  await compact(store);
  const opened = await openRunsFile(folderOf(store));
  const file = runsFile(folderOf(store));
  const database = await openDatabase();
  try {
    copyFileSync(file, `${file}.other`);
    truncateSync(`${file}.other`, 100);
    renameSync(`${file}.other`, file);
    const [row] = await database.all(`SELECT count(*) AS n FROM read_parquet(${quoteText(opened!.path)})`);
    expect(row?.n).toBe(opened!.coverage.runs);
  } finally {
    database.close();
    await opened?.close();
  }
});

it('the file has every field of a record as a column, and params and metrics with their types', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  await compact(store);
  const database = await openDatabase();
  try {
    const file = quoteText(runsFile(folderOf(store)).replace(/[*?[]/g, '[$&]'));
    const columns = await database.all(`DESCRIBE SELECT * FROM read_parquet(${file})`);
    const names = columns.map(({ column_name }) => String(column_name));
    const { params: _, metrics: __, ...fields } = recordOf();
    expect(names).toEqual(expect.arrayContaining([...Object.keys(fields), 'error_type', 'segment']));
    const types = Object.fromEntries(
      columns.map(({ column_name, column_type }) => [column_name, column_type]),
    );
    expect(types).toMatchObject({
      started_at: 'TIMESTAMP WITH TIME ZONE',
      tags: 'VARCHAR[]',
      'params.x': 'BIGINT',
      'params.text': 'VARCHAR',
      'metrics.y': 'DOUBLE',
      'metrics.good': 'BOOLEAN',
    });
    expect(types).toMatchObject({ 'metrics.odd': 'BIGINT', 'metrics.odd (text)': 'VARCHAR' });
    const odd = await database.all(
      `SELECT "metrics.odd (text)" AS odd, count(*) AS n FROM read_parquet(${file}) GROUP BY 1`,
    );
    expect(odd.find(({ odd }) => odd === 'text')?.n).toBeGreaterThan(0);
    const [nested] = await database.all(
      `SELECT DISTINCT "params.nested" AS nested FROM read_parquet(${file})`,
    );
    expect(nested).toEqual({ nested: '{"list":[1,2.5,null]}' });
  } finally {
    database.close();
  }
  expect(statSync(runsFile(folderOf(store))).size).toBeGreaterThan(0);
});

it('a column holds the values of the type that most have, as in results', async () => {
  const store = await temporaryStore();
  writeSegment(
    store,
    ['a', 'b', 1].map((x, index) => recordOf({ index, params: { x }, metrics: { y: index } })),
  );
  await compact(store);
  const database = await openDatabase();
  try {
    const file = quoteText(runsFile(folderOf(store)).replace(/[*?[]/g, '[$&]'));
    expect(
      await database.all(
        `SELECT "params.x" AS x, "params.x (number)" AS other FROM read_parquet(${file}) ORDER BY "index"`,
      ),
    ).toEqual([
      { x: 'a', other: null },
      { x: 'b', other: null },
      { x: null, other: 1 },
    ]);
  } finally {
    database.close();
  }
});

it('whole numbers that no column of 64 bits holds become doubles', async () => {
  const store = await temporaryStore();
  writeSegment(store, [
    recordOf({ index: 0, params: { n: 1 } }),
    recordOf({ index: 1, params: { n: 1e19 } }),
  ]);
  expect(await compact(store)).toBe(2);
});

it('a text of 90 MB in one run is compacted, and read from the file', { timeout: 360_000 }, async () => {
  const store = await temporaryStore();
  const text = 'abcdefghi '.repeat(9_000_000);
  writeSegment(store, [recordOf({ index: 0 }), recordOf({ index: 1, metrics: { text } })]);
  expect(await compact(store)).toBe(2);
  const file = (await openRunsFile(folderOf(store)))!;
  const database = await openDatabase();
  const rows = await database.all(`
    SELECT "index", strlen("metrics.text") AS bytes, md5("metrics.text") AS hash
    FROM read_parquet(${quoteText(file.path)}) WHERE "metrics.text" IS NOT NULL`);
  database.close();
  await file.close();
  const hash = createHash('md5').update(text).digest('hex');
  expect(rows).toEqual([{ index: 1, bytes: text.length, hash }]);
});

it('an experiment that somebody removed does not come back by it', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  rmSync(folderOf(store), { recursive: true });
  expect(await compact(store)).toBeNull();
  expect(existsSync(folderOf(store))).toBe(false);
});
