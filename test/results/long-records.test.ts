import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { compactRuns } from '../../src/results/compaction/compact.js';
import { openDatabase, quoteText } from '../../src/results/duckdb/database.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf } from '../support/results-of.js';
import { COMPACT, peakOf } from './peak-memory.js';

async function storeOf(records: readonly RunRecord[]): Promise<FileStore> {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, records);
  return store;
}

const METRICS = {
  plain: `${'plain text '.repeat(100_000)}.`,
  formula: `=${'1+'.repeat(500_000)}"quoted", and\nmore`,
  negative: `-${'1'.repeat(5000)}`,
  unicode: 'ä漢😀\\\t'.repeat(800_000),
  small: 'small',
  number: 2,
};
const RUNS = [
  recordOf({ index: 0, params: { x: 0 }, metrics: { ...METRICS, plain: 'short', number: 1 } }),
  recordOf({ index: 1, params: { x: 1 }, metrics: METRICS, notes: ['n'.repeat(100_000)] }),
  recordOf({ index: 2, params: { x: 1 }, metrics: { number: 'text', small: METRICS.plain } }),
];

it('a record of many megabytes is read, asked for and exported as it is, compacted or not', {
  timeout: 300_000,
}, async () => {
  const store = await storeOf(RUNS);
  const seen: unknown[] = [];
  for (const phase of ['segments', 'compacted']) {
    const results = resultsOf(store, EXPERIMENT);
    const records: RunRecord[] = [];
    for await (const record of results.records()) records.push(record);
    expect(records).toEqual(RUNS);

    const names = ['x', ...Object.keys(METRICS)];
    const { rows } = await results.select(...names).table();
    expect(rows).toEqual(
      RUNS.map(({ params, metrics }) =>
        Object.fromEntries(names.map((name) => [name, { ...params, ...metrics }[name]])),
      ),
    );
    const { rows: cut } = await results
      .select(...names)
      .cutTexts(1000)
      .table();
    expect(cut[1]).toEqual({
      ...rows[1],
      ...Object.fromEntries(
        Object.entries(METRICS).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value.slice(0, 1000)]] : [],
        ),
      ),
    });
    expect(await results.where('plain', '=', METRICS.plain).count()).toBe(1);
    expect(await results.where('plain', '=', `${METRICS.plain}.`).count()).toBe(0);
    const { groups } = await results.groupBy('plain').stats('number', ['mean']);
    expect(groups.map(({ keys, n }) => [keys[0], n])).toEqual([
      [METRICS.plain, 1],
      ['short', 1],
      [undefined, 1],
    ]);

    const files = Object.fromEntries(
      ['csv', 'ndjson', 'parquet', 'arrow'].map((format) => [format, join(store.root, `${phase}.${format}`)]),
    );
    for (const file of Object.values(files)) await results.select(...names).export(file);
    const objects = readFileSync(files.ndjson!, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(objects).toEqual(rows.map((row) => JSON.parse(JSON.stringify(row))));
    const arrow = tableFromIPC(readFileSync(files.arrow!)).toArray()[1]!.toJSON();
    expect(arrow).toMatchObject({ ...METRICS, number: 2n });
    const database = await openDatabase();
    const ofDuckdb = await database.all(`SELECT * FROM read_parquet(${quoteText(files.parquet!)})`);
    expect(ofDuckdb[1]).toMatchObject(METRICS);
    const csv = await database.all(
      `SELECT * FROM read_csv(${quoteText(files.csv!)}, all_varchar = true, max_line_size = 16000000)`,
    );
    expect(csv[1]).toEqual({ ...METRICS, x: '1', number: '2', formula: `'${METRICS.formula}` });
    if (phase === 'compacted') {
      const file = join(store.experimentFolder(EXPERIMENT), 'runs', 'runs.parquet');
      const [row] = await database.all(`SELECT * FROM read_parquet(${quoteText(file)}) WHERE index = 1`);
      for (const [name, value] of Object.entries(METRICS)) expect(row![`metrics.${name}`]).toBe(value);
    }
    database.close();
    seen.push(await results.columns());
    await results.close();
    if (phase === 'segments')
      await compactRuns(
        store.experimentFolder(EXPERIMENT),
        join(store.experimentFolder(EXPERIMENT), 'runs', '.x'),
      );
  }
  expect(seen[0]).toEqual(seen[1]);
});

it.each([
  ['one text of 100 MB', { m0: 'abcdefghi\n'.repeat(9_500_000) }],
  [
    '5,000 texts of 20 KB',
    Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`m${at}`, 'abcdefghij'.repeat(2000)])),
  ],
])(
  'a record with %s is shown, grouped, exported and compacted in less than 500 MB',
  {
    timeout: 540_000,
  },
  async (_, metrics) => {
    const small = recordOf({ index: 0, params: { x: 0 }, metrics: { m0: 'small' } });
    const store = await storeOf([small, recordOf({ index: 1, params: { x: 1 }, metrics })]);
    const { length } = metrics.m0 as string;
    const list = `const { rows } = await results.cutTexts(1000).table();
    if (rows.length !== 2 || rows[1].m0.length !== 1000) throw new Error('' + rows.length);`;
    const group = `const { groups } = await results.groupBy('x').stats();
    if (groups.length !== 2 || groups[1].n !== 1) throw new Error(JSON.stringify(groups).slice(0, 500));`;
    const csv = `await results.export(store.root + '/long.csv', { force: true });
    if ((await import('node:fs')).statSync(store.root + '/long.csv').size < ${length}) throw new Error('it is too small');`;
    const others = ['parquet', 'arrow'].map(
      (format) => `await results.export(store.root + '/long.${format}', { force: true });`,
    );
    const questions = [list, group, csv, ...others];
    const peaks: number[] = [];
    for (const program of [...questions, COMPACT, ...questions])
      peaks.push(await peakOf(program, store.root));
    for (const peak of peaks) expect(peak).toBeLessThan(500);
  },
);
