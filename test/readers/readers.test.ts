import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { metalab } from '../support/metalab.js';
import { makeReaderFiles, type ReaderFiles, runPython } from './files.js';

let files: ReaderFiles;
beforeAll(async () => {
  files = await makeReaderFiles();
});

const MAX = 2 ** 53 - 1;
const close = (means: ReaderFiles['means']) =>
  Object.fromEntries(Object.entries(means).map(([opt, mean]) => [opt, expect.closeTo(mean, 12)]));
/** The sum of all points that are numbers. */
const SUM = 12 * 3.5 + 3 * 66 - 2;

interface InPandas {
  readonly [table: string]: {
    readonly types: object;
    readonly n: readonly number[] | number;
    readonly means: object;
  };
}

it('pandas reads runs, series and exports with their types, and has the same means', async () => {
  const read = await runPython<InPandas>('read_pandas.py', files);
  const types = { n: 'int64', lr: 'float64', opt: 'str', flag: 'bool', loss: 'float64', epochs: 'float64' };
  const typed = { ...types, odd: 'float64', 'odd (text)': 'str', 'odd (null)': 'object' };
  for (const [table, unit] of [
    ['store', 'us'],
    ['parquet', 'us'],
    ['arrow', 'ms'],
    ['csv', 'us'],
  ] as const)
    expect(read[table], table).toMatchObject({
      types: table === 'csv' ? { ...types, odd: 'str' } : typed,
      time: `datetime64[${unit}, UTC]`,
      start: '2026-01-01T00:00:01.125000+00:00',
      n: [...Array(11).keys(), MAX],
      flag: [...Array(12).keys()].map((index) => index % 3 === 0),
      loss: expect.arrayContaining(['0.14285714285714285', 'nan', '-inf']),
      missing: [...Array(12).keys()].map((index) => index >= 10),
      means: close(files.means),
    });
  for (const table of ['storeSeries', 'parquetSeries', 'arrowSeries', 'csvSeries'])
    expect(read[table], table).toEqual({
      types: { name: 'str', step: 'float64', value: 'float64' },
      names: ['curve'],
      n: 36,
      means: { '0.0': 5.5, '1.0': expect.closeTo(76 / 11, 12), '2.5': 8 },
      missing: 1,
    });
  expect(read.ndjson).toBe(12);
});

it('polars reads runs, series and exports with their types, tells NaN from missing, and has the same means', async () => {
  const read = await runPython<{ readonly [table: string]: object }>('read_polars.py', files);
  for (const [table, unit] of [
    ['store', 'us'],
    ['parquet', 'us'],
    ['arrow', 'ms'],
  ] as const)
    expect(read[table], table).toEqual({
      types: {
        n: 'Int64',
        lr: 'Float64',
        opt: 'String',
        flag: 'Boolean',
        loss: 'Float64',
        epochs: 'Int64',
        odd: expect.stringMatching(/^(Int|Float)64$/),
        'odd (text)': 'String',
        'odd (null)': 'Boolean',
      },
      time: `Datetime(time_unit='${unit}', time_zone='UTC')`,
      start: '2026-01-01T00:00:01.125000+00:00',
      tags: ['a', 'b c'],
      n: [...Array(11).keys(), MAX],
      nan: 1,
      missing: 2,
      null: 5,
      means: close(files.means),
    });
  for (const table of ['storeSeries', 'parquetSeries', 'arrowSeries'])
    expect(read[table], table).toEqual({
      types: { name: 'String', step: 'Float64', value: 'Float64' },
      n: 36,
      nan: 1,
      sum: SUM,
    });
  expect(read.csv).toBe(11);
});

it('DuckDB reads runs, series and exports with their types, and has the same means', async () => {
  const read = await runPython<{ readonly [table: string]: object }>('read_duckdb.py', files);
  for (const table of ['store', 'parquet'])
    expect(read[table], table).toEqual({
      types: {
        n: 'BIGINT',
        lr: 'DOUBLE',
        opt: 'VARCHAR',
        flag: 'BOOLEAN',
        loss: 'DOUBLE',
        epochs: 'BIGINT',
        odd: expect.stringMatching(/^(BIGINT|DOUBLE)$/),
        'odd (text)': 'VARCHAR',
        'odd (null)': 'BOOLEAN',
      },
      time: 'TIMESTAMP WITH TIME ZONE',
      counts: [12, 1, 10, MAX],
      means: close(files.means),
    });
  for (const table of ['storeSeries', 'parquetSeries']) expect(read[table], table).toEqual([36, 1, SUM]);
  expect(read).toMatchObject({ csv: 12, ndjson: 10 });
});

it('jq reads records, NDJSON and --json, and has the same means', async () => {
  const jq = async (program: string, ...args: string[]) =>
    JSON.parse((await promisify(execFile)('jq', ['-s', '-c', program, ...args])).stdout);
  const means = (loss: string, opt: string) =>
    `map(select(${loss} | type == "number")) | group_by(${opt}) | map({(.[0] | ${opt}): (map(${loss}) | add / length)}) | add`;
  expect(await jq(means('.loss', '.opt'), join(files.exports, 'runs.ndjson'))).toEqual(close(files.means));
  expect(await jq('map(.value | numbers) | add', join(files.exports, 'series.ndjson'))).toBe(SUM);
  expect(await jq('[.[2] | has("odd"), .epochs, .started_at]', join(files.exports, 'runs.ndjson'))).toEqual([
    true,
    12,
    '2026-01-01T00:00:02.125Z',
  ]);
  const { stdout } = await metalab(['results', 'pi_mc', '--json', '--store', join(files.experiment, '..')]);
  const json = promisify(execFile)('jq', ['-c', `${means('.metrics.loss', '.params.opt')}`]);
  json.child.stdin?.end(stdout);
  expect(JSON.parse((await json).stdout)).toEqual(close(files.means));
});
