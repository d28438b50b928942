import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunRecord } from '../../src/definition/record.js';
import { openDatabase, quoteText } from '../../src/results/duckdb/database.js';
import type { ExportFormat, ExportOptions } from '../../src/results/export/exported.js';
import type { Results } from '../../src/results/results.js';
import { temporaryFolder, temporaryStore } from '../storage/file/temporary-store.js';
import { CODE, EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf } from '../support/results-of.js';

/** `$numberDouble`: as records have numbers that are not finite. */
const NAN = { $numberDouble: 'NaN' } as unknown as number;

const VALUES: Pick<RunRecord, 'params' | 'metrics'>[] = [
  { params: { n: 1, opt: 'adam', step: 7 }, metrics: { loss: 0.5, good: true, odd: 'text' } },
  { params: { n: 2, opt: '=cmd()', step: 7 }, metrics: { loss: NAN, good: false, odd: 1 } },
  { params: { n: 3, opt: null, step: 7 }, metrics: { odd: 2.5 } },
  { params: { n: 2 ** 53 - 1, opt: '', step: 7, list: [1, { a: 2 }] }, metrics: { loss: 2, Loss: 1 } },
];
const RUNS = VALUES.map((values, index) =>
  recordOf({ index, tags: index === 0 ? ['a', 'b'] : [], ...values }),
);

async function open(): Promise<Results> {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, RUNS);
  const point = (index: number, name: string, step: number, value: number) => ({
    run_id: RUNS[index]!.run_id,
    attempt: 1,
    generation: 0,
    name,
    step,
    value,
  });
  writeSegment(
    store,
    [point(0, 'curve', 0, 1), point(0, 'curve', 1, NAN), point(1, 'curve', 0, 3), point(1, 'other', 0.5, 4)],
    { kind: 'series' },
  );
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  return results;
}

async function textOf(results: Results, format: 'csv' | 'ndjson', options: ExportOptions = {}) {
  let text = '';
  for await (const piece of (await results.exported(options)).pieces(format)) text += piece;
  return text;
}

/** Rows of a Parquet file, values as text by DuckDB, and types by column. */
async function readParquet(file: string) {
  const database = await openDatabase();
  try {
    const rows = await database.all(`SELECT * FROM read_parquet(${quoteText(file)})`);
    const described = await database.all(`DESCRIBE SELECT * FROM read_parquet(${quoteText(file)})`);
    return {
      rows,
      types: Object.fromEntries(described.map((row) => [row.column_name, row.column_type])),
    };
  } finally {
    database.close();
  }
}

describe('an export', () => {
  it('as CSV has the same cells as results, by default params, metrics and what names a run', async () => {
    const results = await open();
    const [a, b, c, d] = RUNS.map(({ run_id }) => run_id);
    expect(await textOf(results, 'csv')).toBe(
      [
        'run_id,status,list,n,opt,step,replicate,Loss,good,loss,odd',
        `${a},success,,1,adam,7,0,,true,0.5,text`,
        `${b},success,,2,'=cmd(),7,1,,false,NaN,1`,
        `${c},success,,3,null,7,2,,,,2.5`,
        `${d},success,"[1,{""a"":2}]",9007199254740991,"",7,3,1,,2,`,
        '',
      ].join('\n'),
    );
  });

  it('as NDJSON tells missing, null and NaN apart', async () => {
    const results = await open();
    const lines = (await textOf(results, 'ndjson', { with: ['params', 'metrics'] })).trim().split('\n');
    const [, second, third] = lines.map((line) => JSON.parse(line));
    expect(second).toMatchObject({ opt: '=cmd()', loss: { $numberDouble: 'NaN' }, good: false, odd: 1 });
    expect(third).toMatchObject({ opt: null, odd: 2.5 });
    expect('loss' in third).toBe(false);
  });

  it('as Parquet and as Arrow has typed columns, values of another type in their own', async () => {
    const results = await open();
    const file = join(temporaryFolder(), 'runs.parquet');
    const columns = [
      'run_id',
      'n',
      'opt',
      'list',
      'loss',
      'Loss',
      'good',
      'odd',
      'tags',
      'started_at',
      'index',
    ];
    const selected = results.select(...columns);
    await selected.export(file);
    const { rows, types } = await readParquet(file);
    expect(types).toEqual({
      run_id: 'VARCHAR',
      n: 'BIGINT',
      opt: 'VARCHAR',
      'opt (null)': 'BOOLEAN',
      list: 'VARCHAR',
      loss: 'DOUBLE',
      'Loss (2)': 'BIGINT',
      good: 'BOOLEAN',
      odd: 'DOUBLE',
      'odd (text)': 'VARCHAR',
      tags: 'VARCHAR[]',
      started_at: 'TIMESTAMP WITH TIME ZONE',
      index: 'BIGINT',
    });
    const own = ({ tags: _, started_at: __, ...row }: (typeof rows)[number]) => row;
    const missing = { list: null, 'opt (null)': null, 'Loss (2)': null, 'odd (text)': null };
    const ids = RUNS.map(({ run_id }) => run_id);
    expect(rows.map(own)).toEqual([
      {
        ...missing,
        run_id: ids[0],
        n: 1,
        opt: 'adam',
        loss: 0.5,
        good: true,
        odd: null,
        'odd (text)': 'text',
        index: 0,
      },
      { ...missing, run_id: ids[1], n: 2, opt: '=cmd()', loss: Number.NaN, good: false, odd: 1, index: 1 },
      {
        ...missing,
        run_id: ids[2],
        n: 3,
        opt: null,
        'opt (null)': true,
        loss: null,
        good: null,
        odd: 2.5,
        index: 2,
      },
      {
        ...missing,
        run_id: ids[3],
        n: 2 ** 53 - 1,
        opt: '',
        list: '[1,{"a":2}]',
        loss: 2,
        'Loss (2)': 1,
        good: null,
        odd: null,
        index: 3,
      },
    ]);

    const table = await selected.arrow();
    expect(Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, String(type)]))).toEqual({
      run_id: 'Utf8',
      n: 'Int64',
      opt: 'Utf8',
      'opt (null)': 'Bool',
      list: 'Utf8',
      loss: 'Float64',
      'Loss (2)': 'Int64',
      good: 'Bool',
      odd: 'Float64',
      'odd (text)': 'Utf8',
      tags: 'List<Utf8>',
      started_at: 'Timestamp<MILLISECOND, UTC>',
      index: 'Int64',
    });
    const fromArrow = table.toArray().map((row) => row!.toJSON());
    expect(fromArrow.map(({ tags, started_at }) => [tags.toJSON(), Number(started_at)])).toEqual(
      RUNS.map(({ tags, started_at }) => [tags, Date.parse(started_at)]),
    );
    expect(fromArrow.map((row) => own(row as never))).toEqual(
      rows.map(own).map((row) => ({
        ...row,
        n: BigInt(row.n as number),
        index: BigInt(row.index as number),
        'Loss (2)': row['Loss (2)'] === null ? null : BigInt(row['Loss (2)'] as number),
      })),
    );
  });

  it('has the kinds of columns that are asked for, in the query’s order and within its limit', async () => {
    const results = (await open()).where('n', '>', 1).sort('-n').limit(2);
    expect(await textOf(results, 'csv', { with: [] })).toBe(
      `run_id,status,replicate\n${RUNS[3]!.run_id},success,3\n${RUNS[2]!.run_id},success,2\n`,
    );
    const header = async (options: ExportOptions, query = results) => (await query.exported(options)).columns;
    expect(await header({ with: ['fingerprints'] })).toEqual([
      'run_id',
      'status',
      'replicate',
      'seed_base',
      'code',
      'context',
      'submission',
    ]);
    expect(await header({ with: ['fields'] })).toEqual(
      expect.arrayContaining(['tags', 'started_at', 'error']),
    );
    expect(await header({}, results.all())).toEqual(expect.arrayContaining(['odd', 'code', 'seed_base']));
    await expect(header({}, results.select('los'))).rejects.toMatchObject({ code: 'METALAB_UNKNOWN_COLUMN' });
  });

  it('of series has one row a point beside the run’s params, in every format', async () => {
    const results = await open();
    const series = ['curve'];
    const [a, b] = RUNS.map(({ run_id }) => run_id);
    expect(await textOf(results.sort('n').select('n', 'step'), 'csv', { series })).toBe(
      [
        'run_id,n,params.step,name,step,value',
        `${a},1,7,curve,0,1`,
        `${a},1,7,curve,1,NaN`,
        `${b},2,7,curve,0,3`,
        '',
      ].join('\n'),
    );
    expect((await textOf(results, 'ndjson', { series: [] })).trim().split('\n')).toHaveLength(4);
    expect((await results.exported({ series })).columns).toEqual([
      'run_id',
      'list',
      'n',
      'opt',
      'params.step',
      'replicate',
      'name',
      'step',
      'value',
    ]);
    const file = join(temporaryFolder(), 'series.parquet');
    await results.where('n', '=', 2).export(file, { series: [] });
    const { rows, types } = await readParquet(file);
    expect(rows.map(({ name, step, value, n }) => [n, name, step, value]).sort()).toEqual([
      [2, 'curve', 0, 3],
      [2, 'other', 0.5, 4],
    ]);
    expect(types).toMatchObject({
      run_id: 'VARCHAR',
      n: 'BIGINT',
      name: 'VARCHAR',
      step: 'DOUBLE',
      value: 'DOUBLE',
    });
    const table = await results.sort('n').limit(1).arrow({ series: [] });
    expect(table.toArray().map((row) => row!.toJSON().value)).toEqual([1, Number.NaN]);
    await expect(results.exported({ series: ['curv'] })).rejects.toMatchObject({
      expected: expect.stringContaining('curve'),
    });
  });

  it('of series keeps params of any name apart from its own columns', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const params = {
      Name: 'a',
      STEP: 1,
      value: 2,
      place: 3,
      point_of: 4,
      c0: 5,
      index: 6,
      run_id: 7,
      'a "b"': 8,
    };
    const run = recordOf({ params });
    writeSegment(store, [run]);
    writeSegment(
      store,
      [{ run_id: run.run_id, attempt: 1, generation: 0, name: 'curve', step: 9, value: 10 }],
      {
        kind: 'series',
      },
    );
    const results = resultsOf(store, EXPERIMENT);
    onTestFinished(() => results.close());
    const expected = {
      'params.Name': 'a',
      'params.STEP': 1,
      'params.value': 2,
      place: 3,
      point_of: 4,
      c0: 5,
      'params.index': 6,
      'params.run_id': 7,
      'a "b"': 8,
      run_id: run.run_id,
      replicate: 0,
      name: 'curve',
      step: 9,
      value: 10,
    };
    const file = join(temporaryFolder(), 'series.parquet');
    await results.export(file, { series: [] });
    expect((await readParquet(file)).rows).toEqual([expected]);
    expect(JSON.parse(await textOf(results, 'ndjson', { series: [] }))).toEqual(expected);
  });

  it('without rows still has its columns', async () => {
    const results = (await open()).where('n', '=', 99);
    const file = join(temporaryFolder(), 'none.parquet');
    await results.export(file);
    expect((await readParquet(file)).types).toMatchObject({ n: 'BIGINT' });
    expect((await results.arrow()).schema.fields.map(({ name }) => name)).toContain('n');
    expect(await textOf(results.select('n'), 'csv')).toBe('n\n');
  });

  it('that fails leaves no file, and none that was there is replaced unasked', async () => {
    const results = await open();
    const folder = temporaryFolder();
    for (const format of ['csv', 'ndjson', 'parquet', 'arrow'] satisfies ExportFormat[]) {
      const file = join(folder, `runs.${format}`);
      const exported = await results.exported();
      exported.pieces = () => failing();
      await expect(
        format === 'parquet'
          ? results.export(join(folder, 'missing', 'runs.parquet'))
          : exported.write({ target: file }, format),
      ).rejects.toThrow(/broken|can't write/);
      expect(readdirSync(folder)).toEqual([]);
      await results.export(file);
      const before = readFileSync(file);
      await expect(results.export(file)).rejects.toMatchObject({ code: 'METALAB_OUTPUT' });
      await results.limit(1).export(file, { force: true });
      expect(readFileSync(file).equals(before)).toBe(false);
      expect(readdirSync(folder)).toEqual([`runs.${format}`]);
      rmSync(file);
    }
    await expect(results.export(join(folder, 'runs.xls'))).rejects.toMatchObject({ code: 'METALAB_EXPORT' });
  });

  it('of more than 256 params and metrics is the same', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const metrics = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`m${at}`, at / 2]));
    writeSegment(store, [
      recordOf({ index: 0, metrics }),
      recordOf({ index: 1, code_fingerprint: CODE, metrics: { ...metrics, m0: 'text', m1: null as never } }),
    ]);
    const results = resultsOf(store, EXPERIMENT);
    onTestFinished(() => results.close());
    const file = join(temporaryFolder(), 'wide.parquet');
    await results.export(file, { with: ['metrics', 'fields'] });
    const { rows, types } = await readParquet(file);
    expect(rows[1]).toMatchObject({
      m0: null,
      'm0 (text)': 'text',
      m1: null,
      'm1 (null)': true,
      m399: 199.5,
    });
    expect(types).toMatchObject({
      m2: 'BIGINT',
      m3: 'DOUBLE',
      tags: 'VARCHAR[]',
      started_at: 'TIMESTAMP WITH TIME ZONE',
      duration_ms: 'DOUBLE',
    });
    const table = await results.arrow();
    expect(table.get(1)!.toJSON()).toMatchObject({ 'm0 (text)': 'text', m399: 199.5 });
    await expect(results.arrow({ with: ['metrics'], series: [] })).rejects.toMatchObject({
      code: 'METALAB_EXPORT',
      expected: expect.stringContaining('--columns'),
    });
  });
});

async function* failing(): AsyncGenerator<string, void> {
  yield 'begun';
  throw new Error('broken');
}

it('an Arrow file is one that other readers take for a file, not a stream', async () => {
  const results = await open();
  const file = join(temporaryFolder(), 'runs.arrow');
  await results.export(file);
  const bytes = readFileSync(file);
  expect(bytes.subarray(0, 6).toString()).toBe('ARROW1');
  expect(bytes.subarray(-6).toString()).toBe('ARROW1');
  expect(tableFromIPC(bytes).numRows).toBe(RUNS.length);
});
