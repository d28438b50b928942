import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/definition/json.js';
import { encodeNumber } from '../../src/definition/non-finite.js';
import type { RunRecord } from '../../src/definition/record.js';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { toCsv } from '../../src/results/csv.js';
import type { Condition } from '../../src/results/query/conditions.js';
import type { Results } from '../../src/results/results.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { temporaryFolder, temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf as resultsOfStore } from '../support/results-of.js';

function open(store: FileStore): Results {
  const results = resultsOfStore(store, EXPERIMENT);
  onTestFinished(() => results.close());
  return results;
}

async function resultsOf(records: readonly (RunRecord | string | Uint8Array)[]): Promise<Results> {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, records);
  return open(store);
}

const OLD = fingerprint('old code');
const rowsOf = async (results: Results, ...columns: string[]) => {
  const rows = [];
  for await (const row of results.select(...columns).rows()) rows.push(row);
  return rows;
};
const count = (results: Results, condition: Condition) => results.matching([condition]).count();

/** Four cases of two replicates, the last failed. */
const SWEEP = Array.from({ length: 8 }, (_, index) =>
  recordOf({
    index,
    replicate: index % 2,
    params: { samples: 10 ** Math.floor(index / 2), model: index < 4 ? 'linear' : '2024-01-01' },
    metrics: index === 7 ? {} : { pi: 3 + index / 10, hits: index, good: index > 3 },
    ...(index === 7 ? { status: 'failed', error: { type: 'RangeError', message: 'too far' } } : {}),
  }),
);

describe('results', () => {
  it('have one row a run, in the order of the cells, with params and metrics by name', async () => {
    const results = await resultsOf([...SWEEP].reverse());
    const rows = await rowsOf(
      results.limit(5).offset(3),
      ...['samples', 'model', 'replicate', 'pi', 'good', 'error'],
    );
    expect(rows).toEqual([
      { samples: 10, model: 'linear', replicate: 1, pi: 3.3, good: false, error: undefined },
      { samples: 100, model: '2024-01-01', replicate: 0, pi: 3.4, good: true, error: undefined },
      { samples: 100, model: '2024-01-01', replicate: 1, pi: 3.5, good: true, error: undefined },
      { samples: 1000, model: '2024-01-01', replicate: 0, pi: 3.6, good: true, error: undefined },
      { samples: 1000, model: '2024-01-01', replicate: 1, pi: undefined, good: undefined, error: 'too far' },
    ]);
  });

  it('filter by every operator, with values of the column’s type', async () => {
    const results = await resultsOf(SWEEP);
    const matching = (column: string, op: '=' | '!=' | '<' | '<=' | '>' | '>=', text: string) =>
      count(results, { column, op, text });
    expect(await matching('samples', '=', '1e3')).toBe(2);
    expect(await matching('samples', '>', '9')).toBe(6);
    expect(await matching('samples', '>=', '10')).toBe(6);
    expect(await matching('pi', '<', '3.1')).toBe(1);
    expect(await matching('pi', '<=', '3.1')).toBe(2);
    expect(await matching('pi', '!=', '3.1')).toBe(7);
    expect(await matching('good', '=', 'true')).toBe(3);
    expect(await matching('model', '=', '2024-01-01')).toBe(4);
    expect(await matching('model', '=', "x' OR '1'='1")).toBe(0);
    expect(await matching('status', '=', 'failed')).toBe(1);
    expect(await results.where('samples', '>', 1).filter({ replicate: 0 }).count()).toBe(3);
    expect(await results.where('samples', 'in', [1, 1000]).count()).toBe(4);
    expect(await results.where('pi', 'missing').count()).toBe(1);
    expect(await results.where('pi', 'present').count()).toBe(7);
  });

  it('sort by several columns, missing values last', async () => {
    const results = await resultsOf(SWEEP);
    const rows = await rowsOf(results.sort('replicate', '-pi'), 'index');
    expect(rows.map(({ index }) => index)).toEqual([6, 4, 2, 0, 5, 3, 1, 7]);
  });

  it('name the nearest columns for one that there is not', async () => {
    const results = await resultsOf(SWEEP);
    await expect(rowsOf(results, 'sample')).rejects.toMatchObject({
      code: 'METALAB_UNKNOWN_COLUMN',
      message: expect.stringMatching(/'sample'[\s\S]*one of: samples/),
    });
    await expect(count(results, { column: 'samples', op: '=', text: 'many' })).rejects.toMatchObject({
      expected: 'a number',
    });
    await expect(count(results, { column: 'status', op: '=', text: 'done' })).rejects.toMatchObject({
      expected: expect.stringContaining('success'),
    });
  });

  it('tell params from metrics and fields of the same name', async () => {
    const results = await resultsOf([
      recordOf({ params: { x: 1, status: 'p', 'a.b/c~d"e': 5 }, metrics: { x: 2 } }),
    ]);
    expect(await rowsOf(results, 'params.x', 'metrics.x', 'status', 'params.status', 'a.b/c~d"e')).toEqual([
      { 'params.x': 1, 'metrics.x': 2, status: 'success', 'params.status': 'p', 'a.b/c~d"e': 5 },
    ]);
    await expect(rowsOf(results, 'x')).rejects.toMatchObject({
      expected: 'params.x or metrics.x',
    });
  });

  it('keep values of every type apart, and null from missing', async () => {
    const params: JsonObject[] = [
      { v: 1, d: '2024-01-01', l: [1, 2] },
      { v: 'two', d: '12:00', l: [] },
      { v: null, d: '1e5', l: null },
      { v: '1', d: 'true' },
      { v: 2, d: '', l: { a: [1], b: null } },
      { d: 'null' },
    ];
    const results = await resultsOf(params.map((values, index) => recordOf({ index, params: values })));
    const rows = await rowsOf(results, 'v', 'd', 'l');
    expect(rows).toEqual(params.map(({ v, d, l }) => ({ v, d, l })));
    expect(rows.map((row) => 'v' in row && row.v === undefined)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
    const indexes = async (column: string, text: string) =>
      (await rowsOf(results.matching([{ column, op: '=', text }]), 'index')).map(({ index }) => index);
    expect(await indexes('v', '1')).toEqual([0]);
    expect(await indexes('v', '"1"')).toEqual([3]);
    expect(await indexes('v', 'two')).toEqual([1]);
    expect(await indexes('v', 'null')).toEqual([2]);
    expect(await indexes('d', 'null')).toEqual([]);
    expect(await indexes('d', '"null"')).toEqual([5]);
    expect(await indexes('d', '')).toEqual([4]);
    expect(await indexes('l', '[1, 2]')).toEqual([0]);
    expect(await indexes('l', '{"b":null,"a":[1]}')).toEqual([4]);
    expect(await results.where('v', 'missing').count()).toBe(1);
    const { groups } = await results.groupBy('v').stats([], []);
    expect(groups.map(({ keys, n }) => [keys[0], n])).toEqual([
      [1, 1],
      [2, 1],
      ['1', 1],
      ['two', 1],
      [null, 1],
      [undefined, 1],
    ]);
  });

  it('take a metric with one text among numbers for a number, and count the text', async () => {
    const losses = [9.5, 10.25, 100.125, 'NaN'];
    const results = await resultsOf(losses.map((loss, index) => recordOf({ index, metrics: { loss } })));
    const sorted = await rowsOf(results.sort('loss'), 'loss');
    expect(sorted.map(({ loss }) => loss)).toEqual([9.5, 10.25, 100.125, 'NaN']);
    const descending = await rowsOf(results.sort('-loss'), 'loss');
    expect(descending.map(({ loss }) => loss)).toEqual([100.125, 10.25, 9.5, 'NaN']);
    expect(await count(results, { column: 'loss', op: '<', text: '50' })).toBe(2);
    const { groups } = await results.groupBy().stats('loss');
    expect(groups[0]?.summaries[0]).toMatchObject({ n: 3, others: 1, mean: (9.5 + 10.25 + 100.125) / 3 });
  });

  it('find a value of each type in a column of texts, as the table shows it: text in quotes', async () => {
    const values = ['a', 'b', '1', 'NaN', 1, Number.NaN, true];
    const results = await resultsOf(
      values.map((value, index) => recordOf({ index, metrics: { m: encodeNumber(value) as never } })),
    );
    const found = async (text: string) =>
      (await rowsOf(results.matching([{ column: 'm', op: '=', text }]), 'm')).map(({ m }) => m);
    expect(await found('"1"')).toEqual(['1']);
    expect(await found('1')).toEqual([1]);
    expect(await found('NaN')).toEqual([Number.NaN]);
    expect(await found('"NaN"')).toEqual(['NaN']);
    expect(await found('true')).toEqual([true]);
    expect(await found('a')).toEqual(['a']);
  });

  it('are grouped by a list of texts as by any value: keys are lists', async () => {
    const results = await resultsOf(
      [['a'], ['a', 'b'], ['a'], []].map((tags, index) => recordOf({ index, tags, metrics: { y: index } })),
    );
    const { groups } = await results.groupBy('tags').stats('y', ['n']);
    expect(groups).toHaveLength(3);
    expect(groups.map(({ keys, n }) => [keys[0], n])).toEqual(
      expect.arrayContaining([
        [[], 1],
        [['a'], 2],
        [['a', 'b'], 1],
      ]),
    );
    const bins = { low: 0, width: 10, count: 1, log: false };
    expect((await results.histogram('y', bins, ['tags'])).map(({ keys }) => keys[0])).toEqual(
      expect.arrayContaining([[], ['a'], ['a', 'b']]),
    );
  });

  it('are those with all of some tags', async () => {
    const results = await resultsOf(
      [['a'], ['a', 'b'], ['b'], []].map((tags, index) => recordOf({ index, tags })),
    );
    expect(await rowsOf(results.tags('a'), 'index')).toEqual([{ index: 0 }, { index: 1 }]);
    expect(await rowsOf(results.tags('a', 'b'), 'index')).toEqual([{ index: 1 }]);
    expect(() => results.tags(5 as never)).toThrow(/tags\[0\]: is 5/);
  });

  it('have the best run of each group, or some of each, and never of runs of other code in one group', async () => {
    const runs = [
      ['adam', 3],
      ['adam', 1],
      ['adam', Number.NaN],
      ['sgd', 5],
      ['sgd', 4],
      [null, 9],
    ].map(([opt, loss], index) =>
      recordOf({ index, params: { opt: opt! }, metrics: { loss: encodeNumber(loss!) as never } }),
    );
    const failed = recordOf({ index: 6, status: 'failed', params: { opt: 'sgd' }, metrics: { loss: 0 } });
    const old = recordOf({ index: 7, code_fingerprint: OLD, params: { opt: 'sgd' }, metrics: { loss: 2 } });
    const results = await resultsOf([...runs, failed, old]);
    const best = async (all: Results, ...asked: Parameters<Results['best']>) =>
      (await rowsOf(await all.groupBy('opt').best(...asked), 'opt', 'loss')).map(({ opt, loss }) => [
        opt,
        loss,
      ]);
    expect(await best(results, 'loss')).toEqual([
      ['adam', 1],
      ['sgd', 4],
      [null, 9],
    ]);
    expect(await best(results.limit(2).sort('opt'), 'loss', 'max')).toEqual([
      ['adam', 3],
      ['adam', 1],
      ['sgd', 5],
      ['sgd', 4],
      [null, 9],
    ]);
    expect((await best(results.all(), 'loss')).filter(([opt]) => opt === 'sgd')).toEqual(
      expect.arrayContaining([
        ['sgd', 4],
        ['sgd', 2],
      ]),
    );
    await expect(results.groupBy('opt').best('lss')).rejects.toMatchObject({ expected: 'one of: loss' });
    await expect(results.groupBy('opt').best()).rejects.toMatchObject({ code: 'METALAB_OBJECTIVE' });
  });

  it('sort groups by the interval itself, which is wide where there are few runs', async () => {
    const groups = { few: [0, 2], many: [-3, 3, -3, 3, -3, 3, -3, 3, -3, 3], huge: Array(300).fill(0) };
    const lots = Array.from({ length: 300 }, (_, at) => (at % 2 === 0 ? -7 : 7));
    const results = await resultsOf(
      Object.entries({ ...groups, lots }).flatMap(([g, values], at) =>
        values.map((loss: number, index: number) =>
          recordOf({ index: 1000 * at + index, params: { g }, metrics: { loss, ok: loss > 0 } }),
        ),
      ),
    );
    const sorted = async (key: string, metric: string) =>
      (await results.sort(key).groupBy('g').stats(metric, ['ci95'])).groups.map(
        ({ keys, summaries }) => [keys[0], summaries[0]!.ci95!] as const,
      );
    const ofNumbers = await sorted('-loss ci95', 'loss');
    expect(ofNumbers.map(([g]) => g)).toEqual(['few', 'many', 'lots', 'huge']);
    // Student's t for 1 and 299 degrees of freedom.
    expect(ofNumbers[0]![1]).toBeCloseTo(12.7062, 3);
    expect(ofNumbers[2]![1]).toBeCloseTo((1.96793 * 7 * Math.sqrt(300 / 299)) / Math.sqrt(300), 4);
    const ofProportions = await sorted('ok ci95', 'ok');
    expect(ofProportions.map(([, half]) => half)).toEqual(
      ofProportions.map(([, half]) => half).sort((a, b) => a - b),
    );
    expect(ofProportions.map(([g]) => g)).toEqual(['huge', 'lots', 'many', 'few']);
  });

  it('keep NaN and infinities, sort them last, and leave them out of means', async () => {
    const losses = [
      { $numberDouble: 'NaN' },
      2,
      { $numberDouble: '-Infinity' },
      1,
      { $numberDouble: 'Infinity' },
    ];
    const results = await resultsOf(
      losses.map((loss, index) => ({ ...recordOf({ index }), metrics: { loss } }) as never),
    );
    const inOrder = async (sort: string) =>
      (await rowsOf(results.sort(sort), 'loss')).map(({ loss }) => loss);
    expect(await inOrder('loss')).toEqual([
      1,
      2,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
    expect((await inOrder('-loss')).slice(0, 2)).toEqual([2, 1]);
    const { groups } = await results.groupBy().stats('loss', ['mean', 'min', 'max', 'median']);
    expect(groups[0]?.summaries[0]).toEqual({
      n: 2,
      nonfinite: 3,
      others: 0,
      mean: 1.5,
      min: 1,
      max: 2,
      median: 1.5,
    });
    expect(await count(results, { column: 'loss', op: '=', text: 'NaN' })).toBe(1);
    expect(await count(results, { column: 'loss', op: '>', text: '0' })).toBe(3);
    const records = [];
    for await (const { metrics } of results.records()) records.push(metrics.loss);
    expect(records).toEqual([Number.NaN, 2, Number.NEGATIVE_INFINITY, 1, Number.POSITIVE_INFINITY]);
  });

  it('keep names apart that differ in case alone, or look like a column of the table', async () => {
    const params = {
      n: 7,
      N: 8,
      for: 1,
      'a,b': 2,
      'quote"d': 3,
      'new\nline': 4,
      __proto__: 5,
      'metrics.y': 6,
    };
    const results = await resultsOf([
      recordOf({ params: JSON.parse(JSON.stringify(params)), metrics: { mean: 1, y: 2, 'y mean': 3 } }),
    ]);
    const [row] = await rowsOf(
      results,
      'n',
      'N',
      'for',
      'a,b',
      'quote"d',
      'new\nline',
      'params.metrics.y',
      'mean',
    );
    expect(row).toEqual({
      n: 7,
      N: 8,
      for: 1,
      'a,b': 2,
      'quote"d': 3,
      'new\nline': 4,
      'params.metrics.y': 6,
      mean: 1,
    });
    expect(await rowsOf(results, 'metrics.y')).toEqual([{ 'metrics.y': 2 }]);
    const { groups, by } = await results.groupBy('n', 'N').stats(['mean', 'y mean'], ['mean']);
    expect(by).toEqual(['n', 'N']);
    expect(groups).toMatchObject([{ keys: [7, 8], n: 1, summaries: [{ mean: 1 }, { mean: 3 }] }]);
  });

  it('make no rows of torn and corrupt lines, nor of missing fields', async () => {
    const { params: _, ...withoutParams } = recordOf({ index: 1 });
    const results = await resultsOf([
      recordOf({ index: 0 }),
      'garbage{\n',
      '\0\0\0\n',
      '[]\n5\n\n',
      `${JSON.stringify(withoutParams)}\n`,
      recordOf({ index: 2 }),
      JSON.stringify(recordOf({ index: 3 })).slice(0, 200),
      Buffer.alloc(300),
    ]);
    expect(await rowsOf(results, 'index', 'samples')).toEqual([
      { index: 0, samples: 100 },
      { index: 1, samples: undefined },
      { index: 2, samples: 100 },
    ]);
  });

  it('take of every run the record that the rule says', async () => {
    const store = await temporaryStore();
    writeSegment(
      store,
      [
        recordOf({ metrics: { pi: 2 }, generation: 1, status: 'failed' }),
        recordOf({ metrics: { pi: 9 }, generation: 0 }),
      ],
      { writer: 'a' },
    );
    writeSegment(
      store,
      [recordOf({ metrics: { pi: 3 }, generation: 1, finished_at: '2026-01-01T00:00:03.000Z' })],
      { writer: 'b' },
    );
    writeSegment(
      store,
      [
        recordOf({ metrics: { pi: 4 }, generation: 1, finished_at: '2026-01-01T00:00:02.000Z' }),
        recordOf({ metrics: { pi: 5 }, generation: 1, finished_at: '2026-01-01T00:00:02.000Z' }),
      ],
      { writer: 'c', submission: 's2' },
    );
    const results = open(store);
    expect(await rowsOf(results, 'pi', 'generation')).toEqual([{ pi: 4, generation: 1 }]);
    const records: RunRecord[] = [];
    for await (const record of results.records()) records.push(record);
    expect(records.map(({ metrics }) => metrics.pi)).toEqual([4]);
  });

  it('are of the latest code and context, and of all with --all', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const old = { code_fingerprint: fingerprint('old code') };
    writeSegment(store, [
      recordOf({ index: 0 }),
      recordOf({ index: 1, ...old }),
      recordOf({ index: 2, context_fingerprint: fingerprint('old') }),
    ]);
    const latest = open(store);
    const all = latest.all();
    expect(await latest.count()).toBe(1);
    expect(await all.count()).toBe(3);
    expect(await all.shownColumns()).toEqual(expect.arrayContaining(['code', 'context']));
    expect(await latest.shownColumns()).not.toContain('code');
  });

  it('show params that vary, and status only where not all is success', async () => {
    const varied = SWEEP.slice(0, 4).map((record) => ({ ...record, params: { ...record.params, fixed: 1 } }));
    expect(await (await resultsOf(varied)).shownColumns()).toEqual([
      'samples',
      'replicate',
      'good',
      'hits',
      'pi',
    ]);
    expect(await (await resultsOf(SWEEP)).shownColumns()).toContain('status');
  });

  it('summarise groups: n, mean, sample deviation, and the t interval, without the failed runs', async () => {
    const results = await resultsOf(SWEEP);
    const { groups, left_out } = await results.groupBy('model').stats('pi');
    expect(left_out).toBe(1);
    expect(groups.map(({ keys, n, left_out }) => [keys[0], n, left_out])).toEqual([
      ['2024-01-01', 3, 1],
      ['linear', 4, 0],
    ]);
    // By hand, of 3.4, 3.5 and 3.6: mean 3.5, deviation 0.1, t(2) = 4.302653.
    const [pi] = groups[0]!.summaries;
    expect(pi?.mean).toBeCloseTo(3.5, 12);
    expect(pi?.std).toBeCloseTo(0.1, 12);
    expect(pi?.ci95).toBeCloseTo((4.302653 * 0.1) / Math.sqrt(3), 6);
    expect((await results.groupBy('samples').stats()).metrics).toEqual(['good', 'hits', 'pi']);
    const some = await results.filter({ good: true }).groupBy('samples').stats('pi');
    expect(some.groups.map(({ keys, n }) => [...keys, n])).toEqual([
      [100, 2],
      [1000, 1],
    ]);
    await expect(results.groupBy('samples').stats('model')).rejects.toMatchObject({
      code: 'METALAB_NOT_NUMERIC',
    });
  });

  it('have the mean of a boolean, a proportion, with an interval that stays between 0 and 1', async () => {
    const results = await resultsOf(SWEEP);
    const { groups } = await results.groupBy().stats('good');
    const [good] = groups[0]!.summaries;
    expect(good).toMatchObject({ n: 7, mean: 3 / 7 });
    // Wilson's interval of 3 in 7, by R's prop.test(3, 7, correct = FALSE).
    expect(good?.low).toBeCloseTo(0.1582, 3);
    expect(good?.high).toBeCloseTo(0.7495, 3);
    const all = await results.where('index', '>', 3).groupBy().stats('good');
    expect(all.groups[0]?.summaries[0]).toMatchObject({ n: 3, mean: 1, high: 1 });
    expect(all.groups[0]?.summaries[0]?.low).toBeLessThan(0.5);
  });

  it('sort and limit groups, by a key, a count, a mean or another statistic', async () => {
    const results = await resultsOf(SWEEP);
    const keys = async (...sort: string[]) => {
      const { groups } = await results
        .sort(...sort)
        .limit(2)
        .groupBy('samples')
        .stats('pi', ['mean', 'max']);
      return groups.map(({ keys: [key] }) => key);
    };
    expect(await keys('-samples')).toEqual([1000, 100]);
    expect(await keys('-pi')).toEqual([1000, 100]);
    expect(await keys('pi max')).toEqual([1, 10]);
    expect(await keys('n')).toEqual([1000, 1]);
    expect((await results.limit(1).groupBy('samples').stats('pi')).total).toBe(4);
    await expect(keys('nothing')).rejects.toMatchObject({ code: 'METALAB_UNKNOWN_COLUMN' });
  });

  it('have no interval where there is one value only', async () => {
    const { groups } = await (await resultsOf(SWEEP.slice(0, 1))).groupBy().stats('pi');
    expect(groups).toMatchObject([{ n: 1, summaries: [{ n: 1, mean: 3, std: null, ci95: null }] }]);
  });

  it('export CSV that keeps quotes, newlines and full precision, and tells empty, null and missing apart', async () => {
    const results = await resultsOf([
      recordOf({ params: { text: 'a "b",\nc', x: null }, metrics: { third: 1 / 3, ok: false } }),
      recordOf({ index: 1, params: { text: '' }, metrics: { third: 1 } }),
      ...['=1+1', '-1+1', '-2e-3', '-cmd', 'null'].map((text, index) =>
        recordOf({ index: 2 + index, params: { text }, metrics: {} }),
      ),
    ]);
    const columns = ['text', 'x', 'third', 'ok', 'error'];
    async function* batches() {
      for await (const rows of results.select(...columns).batches())
        yield rows.map((row) => columns.map((column) => row[column]));
    }
    let csv = '';
    for await (const piece of toCsv(columns, batches())) csv += piece;
    expect(csv).toBe(
      'text,x,third,ok,error\n"a ""b"",\nc",null,0.3333333333333333,false,\n"",,1,,\n\'=1+1,,,,\n\'-1+1,,,,\n-2e-3,,,,\n\'-cmd,,,,\n"null",,,,\n',
    );
  });

  it('are those of the folder named, not of one that its name matches as a pattern', async () => {
    // Not in a folder whose own name would keep the pattern from matching.
    const folder = temporaryFolder('plain-');
    for (const [name, pi] of [
      ['sweep[1]', 3],
      ['sweep1', 4],
    ] as const) {
      const store = await openFileStore(join(folder, name), { create: true });
      writeSegment(store, [recordOf({ metrics: { pi } })]);
    }
    const results = open(await openFileStore(join(folder, 'sweep[1]')));
    expect(await rowsOf(results, 'pi')).toEqual([{ pi: 3 }]);
  });

  it('are empty where nothing was recorded yet', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const results = open(store);
    expect(await results.count()).toBe(0);
    expect(await rowsOf(results, 'run_id')).toEqual([]);
  });
});
