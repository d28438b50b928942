import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/definition/json.js';
import type { RunRecord } from '../../src/definition/record.js';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { toCsv } from '../../src/results/csv.js';
import { openResults, type Results } from '../../src/results/results.js';
import { type FileStore, openFileStore } from '../../src/storage/file/open.js';
import { temporaryFolder, temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

async function open(store: FileStore, options?: { readonly all?: boolean }): Promise<Results> {
  const results = await openResults(store, EXPERIMENT, options);
  onTestFinished(() => results.close());
  return results;
}

async function resultsOf(records: readonly (RunRecord | string | Uint8Array)[]): Promise<Results> {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, records);
  return open(store);
}

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
    const rows = await results.rows({
      columns: ['samples', 'model', 'replicate', 'pi', 'good', 'error'],
      limit: 5,
      offset: 3,
    });
    expect(rows).toEqual([
      { samples: 10, model: 'linear', replicate: 1, pi: 3.3, good: false, error: null },
      { samples: 100, model: '2024-01-01', replicate: 0, pi: 3.4, good: true, error: null },
      { samples: 100, model: '2024-01-01', replicate: 1, pi: 3.5, good: true, error: null },
      { samples: 1000, model: '2024-01-01', replicate: 0, pi: 3.6, good: true, error: null },
      { samples: 1000, model: '2024-01-01', replicate: 1, pi: null, good: null, error: 'too far' },
    ]);
  });

  it('filter by every operator, with values of the column’s type', async () => {
    const results = await resultsOf(SWEEP);
    const count = (column: string, op: '=' | '!=' | '<' | '<=' | '>' | '>=', value: string) =>
      results.count([{ column, op, value }]);
    expect(await count('samples', '=', '1e3')).toBe(2);
    expect(await count('samples', '>', '9')).toBe(6);
    expect(await count('samples', '>=', '10')).toBe(6);
    expect(await count('pi', '<', '3.1')).toBe(1);
    expect(await count('pi', '<=', '3.1')).toBe(2);
    expect(await count('pi', '!=', '3.1')).toBe(7);
    expect(await count('good', '=', 'true')).toBe(3);
    expect(await count('model', '=', '2024-01-01')).toBe(4);
    expect(await count('model', '=', "x' OR '1'='1")).toBe(0);
    expect(await count('status', '=', 'failed')).toBe(1);
    expect(
      await results.count([
        { column: 'samples', op: '>', value: '1' },
        { column: 'replicate', op: '=', value: '0' },
      ]),
    ).toBe(3);
  });

  it('sort by several columns, missing values last', async () => {
    const results = await resultsOf(SWEEP);
    const rows = await results.rows({
      columns: ['index'],
      sort: [{ column: 'replicate' }, { column: 'pi', descending: true }],
    });
    expect(rows.map(({ index }) => index)).toEqual([6, 4, 2, 0, 5, 3, 1, 7]);
  });

  it('name the nearest columns for one that there is not', async () => {
    const results = await resultsOf(SWEEP);
    await expect(results.rows({ columns: ['sample'] })).rejects.toMatchObject({
      code: 'METALAB_UNKNOWN_COLUMN',
      message: expect.stringMatching(/'sample'[\s\S]*one of: samples/),
    });
    await expect(results.count([{ column: 'samples', op: '=', value: 'many' }])).rejects.toMatchObject({
      expected: 'a number',
    });
    await expect(results.count([{ column: 'status', op: '=', value: 'done' }])).rejects.toMatchObject({
      expected: expect.stringContaining('success'),
    });
  });

  it('tell params from metrics and fields of the same name', async () => {
    const results = await resultsOf([
      recordOf({ params: { x: 1, status: 'p', 'a.b/c~d"e': 5 }, metrics: { x: 2 } }),
    ]);
    expect(
      await results.rows({ columns: ['params.x', 'metrics.x', 'status', 'params.status', 'a.b/c~d"e'] }),
    ).toEqual([{ 'params.x': 1, 'metrics.x': 2, status: 'success', 'params.status': 'p', 'a.b/c~d"e': 5 }]);
    await expect(results.rows({ columns: ['x'] })).rejects.toMatchObject({
      expected: 'params.x or metrics.x',
    });
  });

  it('keep text text, mixed types as text, and lists as JSON', async () => {
    const params: JsonObject[] = [
      { v: 1, d: '2024-01-01', l: [1, 2] },
      { v: 'two', d: '12:00', l: [] },
      { v: null, d: '1e5', l: null },
      { d: 'true' },
    ];
    const results = await resultsOf(params.map((values, index) => recordOf({ index, params: values })));
    expect(await results.rows({ columns: ['v', 'd', 'l'] })).toEqual([
      { v: '1', d: '2024-01-01', l: '[1,2]' },
      { v: 'two', d: '12:00', l: '[]' },
      { v: null, d: '1e5', l: null },
      { v: null, d: 'true', l: null },
    ]);
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
    expect(await results.rows({ columns: ['index', 'samples'] })).toEqual([
      { index: 0, samples: 100 },
      { index: 1, samples: null },
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
    const results = await open(store);
    expect(await results.rows({ columns: ['pi', 'generation'] })).toEqual([{ pi: 4, generation: 1 }]);
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
    const [latest, all] = [await open(store), await open(store, { all: true })];
    expect(await latest.count()).toBe(1);
    expect(await all.count()).toBe(3);
    expect(all.defaultColumns).toEqual(expect.arrayContaining(['code', 'context']));
    expect(latest.defaultColumns).not.toContain('code');
  });

  it('show params that vary, and status only where not all is success', async () => {
    const varied = SWEEP.slice(0, 4).map((record) => ({ ...record, params: { ...record.params, fixed: 1 } }));
    expect((await resultsOf(varied)).defaultColumns).toEqual(['samples', 'replicate', 'good', 'hits', 'pi']);
    expect((await resultsOf(SWEEP)).defaultColumns).toContain('status');
  });

  it('summarise groups: n, mean, sample deviation, and the t interval, without the failed runs', async () => {
    const results = await resultsOf(SWEEP);
    const { groups, left_out } = await results.groups({ by: ['model'], metrics: ['pi'] });
    expect(left_out).toBe(1);
    expect(groups.map(({ by, n, left_out }) => [by.model, n, left_out])).toEqual([
      ['2024-01-01', 3, 1],
      ['linear', 4, 0],
    ]);
    // By hand, of 3.4, 3.5 and 3.6: mean 3.5, deviation 0.1, t(2) = 4.302653.
    expect(groups[0]?.metrics.pi?.mean).toBeCloseTo(3.5, 12);
    expect(groups[0]?.metrics.pi?.std).toBeCloseTo(0.1, 12);
    expect(groups[0]?.metrics.pi?.ci95).toBeCloseTo((4.302653 * 0.1) / Math.sqrt(3), 6);
    expect(Object.keys((await results.groups({ by: ['samples'] })).groups[0]?.metrics ?? {})).toEqual([
      'hits',
      'pi',
    ]);
    await expect(results.groups({ by: ['samples'], metrics: ['good'] })).rejects.toMatchObject({
      code: 'METALAB_NOT_NUMERIC',
    });
  });

  it('have no interval where there is one value only', async () => {
    const { groups } = await (await resultsOf(SWEEP.slice(0, 1))).groups({ by: [] });
    expect(groups).toMatchObject([{ n: 1, metrics: { pi: { n: 1, mean: 3, std: null, ci95: null } } }]);
  });

  it('export CSV that keeps quotes, newlines and full precision', async () => {
    const results = await resultsOf([
      recordOf({ params: { text: 'a "b",\nc' }, metrics: { third: 1 / 3, ok: false } }),
    ]);
    const columns = ['text', 'third', 'ok', 'error'];
    let csv = '';
    for await (const piece of toCsv(columns, results.batches({ columns }))) csv += piece;
    expect(csv).toBe('text,third,ok,error\n"a ""b"",\nc",0.3333333333333333,false,\n');
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
    const results = await open(await openFileStore(join(folder, 'sweep[1]')));
    expect(await results.rows({ columns: ['pi'] })).toEqual([{ pi: 3 }]);
  });

  it('are empty where nothing was recorded yet', async () => {
    const store = await temporaryStore();
    await store.writeManifest(manifestOf());
    const results = await open(store);
    expect(await results.count()).toBe(0);
    expect(await results.rows()).toEqual([]);
  });
});
