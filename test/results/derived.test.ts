import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { MetricValue } from '../../src/definition/record.js';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { compactRuns } from '../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../src/results/compaction/scratch-folders.js';
import { openDatabase, quoteText } from '../../src/results/duckdb/database.js';
import type { Results } from '../../src/results/results.js';
import { checkStore, nothingChecked } from '../../src/storage/file/check/check-store.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { type AppliedDerivation, derivedLine, readDerived } from '../../src/storage/file/formats/derived.js';
import { openRunsFile } from '../../src/storage/file/formats/runs-file.js';
import { derivationFile, derivedFolder, runsFile, segmentName } from '../../src/storage/file/layout.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf } from '../support/results-of.js';

const SLOT = 'host-1-aa';
const CODE = fingerprint('gap');
const NEW_CODE = fingerprint('changed gap');
const DERIVED = { gap: { ref: 'a.ts#gap', code_fingerprint: CODE } };

const folderOf = (store: FileStore) => store.experimentFolder(EXPERIMENT);
const compact = (store: FileStore) => compactRuns(folderOf(store), newScratchFolder(folderOf(store)));
const record = (index: number) =>
  recordOf({ index, params: { lr: index % 2 }, metrics: { loss: index }, provenance: { slot: SLOT } });

type Values = { readonly [name: string]: MetricValue };

async function storeOf(runs: number, ofSlot: (index: number) => Values | undefined): Promise<FileStore> {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf({ derived: DERIVED }));
  const records = Array.from({ length: runs }, (_, index) => record(index));
  writeSegment(store, records, { writer: SLOT });
  const lines = records.flatMap((each, index) => {
    const values = ofSlot(index);
    return values ? [`${derivedLine(each, CODE, { derivation: 'gap', values })}\n`] : [];
  });
  writeSegment(store, lines, { writer: SLOT, kind: 'derived' });
  return store;
}

/** As `metalab derive` writes it. */
function applyAfterwards(
  store: FileStore,
  code: string,
  values: readonly (readonly [index: number, values: Values])[],
  { derivation = 'gap', writer = 'host-9-zz', at = '2026-02-01T00:00:00.000Z' } = {},
): void {
  mkdirSync(derivedFolder(folderOf(store)), { recursive: true });
  const applied: AppliedDerivation = {
    name: derivation,
    ref: `a.ts#${derivation}`,
    code_fingerprint: code,
    applied_at: at,
  };
  writeFileSync(derivationFile(folderOf(store), derivation), JSON.stringify(applied));
  const lines = values.map(([index, each]) => derivedLine(record(index), code, { derivation, values: each }));
  writeFileSync(
    join(derivedFolder(folderOf(store)), segmentName('derived', writer)),
    `${lines.join('\n')}\n`,
  );
}

async function gapsOf(store: FileStore, refine = (results: Results) => results): Promise<unknown[]> {
  const results = resultsOf(store, EXPERIMENT);
  try {
    const { rows } = await refine(results).select('derived.gap').table();
    return rows.map((row) => row['derived.gap']);
  } finally {
    await results.close();
  }
}

test('derived metrics are columns like any other, before and after a compaction', async () => {
  const store = await storeOf(6, (index) =>
    index === 5 ? undefined : { gap: index === 4 ? Number.NaN : index / 2 },
  );
  for (const _ of ['segments', 'Parquet']) {
    const results = resultsOf(store, EXPERIMENT);
    expect(await results.shownColumns()).toEqual(['lr', 'replicate', 'loss', 'derived.gap']);
    expect((await results.sort('-derived.gap').select('loss').table()).rows.map(({ loss }) => loss)).toEqual([
      3, 2, 1, 0, 4, 5,
    ]);
    expect(await results.where('derived.gap', '>=', 1).count()).toBe(2);
    expect(await results.where('derived.gap', 'missing').count()).toBe(1);
    const { groups } = await results.groupBy('lr').stats('derived.gap', ['mean']);
    expect(groups).toMatchObject([
      { keys: [0], summaries: [{ n: 2, mean: 0.5, nonfinite: 1 }] },
      { keys: [1], summaries: [{ n: 2, mean: 1, nonfinite: 0 }] },
    ]);
    expect(await (await results.best('derived.gap')).count()).toBe(4);
    const derived: unknown[] = [];
    for await (const run of results.runs()) derived.push(run.derived);
    expect(derived).toEqual([{ gap: 0 }, { gap: 0.5 }, { gap: 1 }, { gap: 1.5 }, { gap: Number.NaN }, {}]);
    const sql =
      await results.sql`SELECT name, count(*), max(value) FILTER (NOT isnan(value)) FROM derived GROUP BY name`;
    for await (const batch of sql.batches()) expect(batch).toEqual([['gap', 5, 1.5]]);
    await expect(results.where('derived.gab', '>', 0).count()).rejects.toThrow(
      /there is no column 'derived.gab'[\s\S]*derived\.gap/,
    );
    await results.close();
    await compact(store);
  }
});

test('values of other code, of another execution, and of a slot that did not record the run don’t count', async () => {
  const store = await storeOf(3, () => undefined);
  const line = (each: object, code: string, gap: MetricValue) =>
    `${derivedLine({ ...record(0), ...each }, code, { derivation: 'gap', values: { gap } })}\n`;
  writeSegment(
    store,
    [line({}, fingerprint('old'), 1), line({ attempt: 2 }, CODE, 2), line({ generation: 1 }, CODE, 3)],
    {
      writer: SLOT,
      kind: 'derived',
    },
  );
  writeSegment(store, [line({}, CODE, 'other')], { writer: 'host-2-bb', kind: 'derived' });
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  expect((await results.columns()).filter(({ kind }) => kind === 'derived')).toEqual([]);
  expect(await readDerived(folderOf(store), record(0))).toEqual({ derived: {}, failed: [] });
});

test('the code that came last counts: changed code applied afterwards, then what a later submission declares', async () => {
  const store = await storeOf(3, (index) => ({ gap: index }));
  await compact(store);
  applyAfterwards(store, NEW_CODE, [[1, { gap: 'one' }]]);
  for (const _ of ['segments', 'Parquet']) {
    expect(await gapsOf(store)).toEqual([undefined, 'one', undefined]);
    expect((await readDerived(folderOf(store), record(1))).derived).toEqual({ gap: 'one' });
    await compact(store);
  }
  await store.writeManifest(manifestOf({ derived: DERIVED, submitted_at: '2026-03-01T00:00:00.000Z' }));
  for (const _ of ['segments', 'Parquet']) {
    expect(await gapsOf(store)).toEqual([0, 1, 2]);
    await compact(store);
  }
  await store.writeManifest(manifestOf({ submitted_at: '2026-03-01T00:00:00.000Z' }));
  expect(await gapsOf(store)).toEqual([undefined, 'one', undefined]);
});

test('a compaction has what was derived since the last one, and is not repeated', async () => {
  const store = await storeOf(4, (index) => (index < 2 ? { gap: index } : undefined));
  expect(await compact(store)).toBe(4);
  expect(await compact(store)).toBeNull();
  applyAfterwards(store, CODE, [[2, { gap: 2 }]]);
  applyAfterwards(store, NEW_CODE, [[3, { slope: 0.5, ok: true, text: 'a' }]], {
    derivation: 'slope',
    writer: 'host-8-yy',
  });
  expect(await gapsOf(store)).toEqual([0, 1, 2, undefined]);
  expect(await compact(store)).toBe(4);
  expect(await compact(store)).toBeNull();
  expect(await gapsOf(store)).toEqual([0, 1, 2, undefined]);
  const database = await openDatabase();
  onTestFinished(() => database.close());
  const file = quoteText(runsFile(folderOf(store)));
  expect(
    await database.all(
      `SELECT column_name, column_type FROM (DESCRIBE FROM ${file}) WHERE column_name LIKE 'derived.%'`,
    ),
  ).toEqual([
    { column_name: 'derived.gap', column_type: 'BIGINT' },
    { column_name: 'derived.ok', column_type: 'BOOLEAN' },
    { column_name: 'derived.slope', column_type: 'DOUBLE' },
    { column_name: 'derived.text', column_type: 'VARCHAR' },
  ]);
});

test('hundreds of derived metrics are read and compacted', async () => {
  const values = (index: number) =>
    Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`m${at}`, at % 2 === 0 ? index + at : index + 0.5]),
    );
  const store = await storeOf(5, values);
  for (const _ of ['segments', 'Parquet']) {
    const results = resultsOf(store, EXPERIMENT);
    expect((await results.sort('-derived.m299').limit(1).select('derived.m298').table()).rows).toEqual([
      { 'derived.m298': 302 },
    ]);
    const derived: unknown[] = [];
    for await (const run of results.runs()) derived.push(run.derived);
    expect(derived).toEqual([0, 1, 2, 3, 4].map(values));
    await results.close();
    await compact(store);
  }
  const file = await openRunsFile(folderOf(store));
  expect(file!.coverage.columns.filter(({ source }) => source === 'derived').length).toBe(300);
  await file!.close();
});

test('a line that is cut off is left out, and store check finds a damaged one', async () => {
  const store = await storeOf(2, (index) => ({ gap: index }));
  const path = join(folderOf(store), 'segments', 's1', segmentName('derived', SLOT));
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, -10));
  expect(await gapsOf(store)).toEqual([0, undefined]);
  writeFileSync(path, text.replace('"derivation"', '"derivation'));
  const found = [];
  for await (const { path: at } of checkStore(
    store.root,
    { quick: false, alone: true, metalabVersion: '0' },
    nothingChecked(),
  ))
    found.push(at);
  expect(found).toContain(path);
});

test('derived metrics are exported, with values of another type in a column of their own', async () => {
  const store = await storeOf(3, (index) => ({ gap: index === 1 ? 'none' : index / 4 }));
  for (const compacted of [false, true]) {
    if (compacted) await compact(store);
    const results = resultsOf(store, EXPERIMENT);
    const table = await results.arrow({ with: ['derived'] });
    expect(table.schema.fields.map(({ name }) => name)).toEqual([
      'run_id',
      'status',
      'replicate',
      'derived.gap',
      'derived.gap (text)',
    ]);
    expect(table.toArray().map((row) => [row!['derived.gap'], row!['derived.gap (text)']])).toEqual([
      [0, null],
      [null, 'none'],
      [0.5, null],
    ]);
    await results.close();
  }
});

test('a name that two derivations gave is neither’s: each has a column that names it', async () => {
  const store = await storeOf(3, (index) => ({ gap: index, own: index }));
  applyAfterwards(store, NEW_CODE, [[0, { slope: 1 }]], { derivation: 'other' });
  await compact(store);
  expect(await gapsOf(store)).toEqual([0, 1, 2]);
  // As a version wrote it that did not refuse the name, beside what is compacted.
  const later = { derivation: 'other', writer: 'host-8-zz' };
  applyAfterwards(
    store,
    NEW_CODE,
    [
      [1, { gap: 'text' }],
      [2, { gap: 20 }],
    ],
    later,
  );
  for (const _ of ['segments', 'Parquet']) {
    const results = resultsOf(store, EXPERIMENT);
    const names = (await results.columns()).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('derived.')).sort()).toEqual([
      'derived.gap (gap)',
      'derived.gap (other)',
      'derived.own',
      'derived.slope',
    ]);
    const { rows } = await results.select('derived.gap (gap)', 'derived.gap (other)', 'derived.own').table();
    expect(rows.map((row) => Object.values(row))).toEqual([
      [0, undefined, 0],
      [1, 'text', 1],
      [2, 20, 2],
    ]);
    await expect(results.select('derived.gap').table()).rejects.toThrow(/derived\.gap \(gap\)/);
    await results.close();
    await compact(store);
  }
  const { derived } = await readDerived(folderOf(store), record(2));
  expect(derived).toEqual({ 'gap (gap)': 2, 'gap (other)': 20, own: 2 });
});
