import { expect, it, onTestFinished } from 'vitest';
import { pivotAsJson, pivotTable } from '../../src/cli/format/pivot-table.js';
import { encodeNumber } from '../../src/definition/non-finite.js';
import type { RunRecord } from '../../src/definition/record.js';
import { fingerprint } from '../../src/identity/fingerprint.js';
import { jsonPieces } from '../../src/results/export/json-pieces.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { resultsOf } from '../support/results-of.js';

async function open(records: readonly RunRecord[]) {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, records);
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  return results;
}

const LAYERS = [10, 2, '2', null];
const SWEEP = [
  ...[0.1, 0.01].flatMap((lr) => LAYERS.flatMap((n) => [1, 2].map((loss) => ({ lr, n, loss })))),
  { lr: 1, n: 2, loss: 7 },
].map(({ lr, n, loss }, index) =>
  recordOf({ index, replicate: index % 2, params: { lr, n }, metrics: { loss: loss * lr } }),
);

it('a pivot has one row for each value of a column, and one column for each value of another, in typed order', async () => {
  const results = await open(SWEEP);
  const pivot = await results.pivot('lr', 'n', 'loss');
  expect(pivot.columns).toEqual([2, 10, '2', null]);
  const { columns, rows } = pivotTable(pivot);
  expect(columns).toEqual(['lr', '2', '10', '"2"', 'null']);
  expect(rows).toEqual([
    [0.01, 0.015, 0.015, 0.015, 0.015],
    [0.1, expect.closeTo(0.15), expect.closeTo(0.15), expect.closeTo(0.15), expect.closeTo(0.15)],
    [1, 7, undefined, undefined, undefined],
  ]);
  expect(pivot.rows[0]?.cells[0]).toEqual({ value: 0.015, n: 2, nonfinite: 0, others: 0 });
  expect(JSON.parse([...jsonPieces(pivotAsJson(pivot))].join(''))).toMatchObject({
    by: ['lr'],
    column: 'n',
    metric: 'loss',
    statistic: 'mean',
    columns: [{ value: 2 }, { value: 10 }, { value: '2' }, { value: null }],
    rows: [
      { keys: { lr: 0.01 } },
      { keys: { lr: 0.1 } },
      { keys: { lr: 1 }, cells: [{ value: 7, n: 1 }, null, null, null] },
    ],
  });
});

it('a pivot counts what is left out of a number beside it', async () => {
  const losses = [1, Number.NaN, 'diverged', Number.POSITIVE_INFINITY];
  const results = await open(
    losses.flatMap((loss, a) => [
      recordOf({ index: 2 * a, params: { a: 0, b: a % 2 }, metrics: { loss: encodeNumber(loss) as never } }),
      recordOf({ index: 2 * a + 1, params: { a: 1, b: 2 }, metrics: { loss: 5 } }),
    ]),
  );
  expect(pivotTable(await results.pivot('a', 'b', 'loss'))).toEqual({
    columns: ['a', '0', '0 left out', '1', '1 left out', '2'],
    rows: [
      [0, 1, '1 no number', undefined, '2 NaN or infinite', undefined],
      [1, undefined, undefined, undefined, undefined, 5],
    ],
  });
});

it('a pivot obeys conditions, sort and limit of its rows', async () => {
  const results = await open(SWEEP);
  const pivot = await results.where('n', '=', 2).sort('-lr').limit(2).pivot('lr', 'n', 'loss', 'max');
  expect(pivot.rows).toEqual([
    { keys: [1], cells: [{ value: 7, n: 1, nonfinite: 0, others: 0 }] },
    { keys: [0.1], cells: [{ value: 0.2, n: 2, nonfinite: 0, others: 0 }] },
  ]);
  expect(pivot.total).toBe(3);
});

it('texts that a table cuts are told apart by all of their characters', async () => {
  const names = ['adam', 'adamw'];
  const results = await open(
    names.map((opt, index) => recordOf({ index, params: { opt, lr: 1 }, metrics: { loss: index } })),
  );
  const cut = results.cutTexts(4);
  const pivot = await results.pivot('opt', 'lr', 'loss');
  expect(await cut.pivot('opt', 'lr', 'loss')).toEqual({
    ...pivot,
    rows: pivot.rows.map(({ cells }) => ({ keys: ['adam'], cells })),
  });
  expect((await cut.pivot('lr', 'opt', 'loss')).rows[0]?.cells).toMatchObject([{ value: 0 }, { value: 1 }]);
  expect(await cut.summary()).toEqual(await results.summary());
  const { groups } = await cut.groupBy('opt').stats('loss', ['mean']);
  expect(groups.map(({ keys, n }) => [keys[0], n])).toEqual(names.map(() => ['adam', 1]));
});

it('a pivot of all runs does not pool runs of different code', async () => {
  const old = { code_fingerprint: fingerprint('old code') };
  const results = await open([
    recordOf({ index: 0, params: { a: 1, b: 1 }, metrics: { y: 1 } }),
    recordOf({ index: 1, params: { a: 1, b: 1 }, metrics: { y: 3 }, ...old }),
  ]);
  expect((await results.pivot('a', 'b', 'y')).rows).toEqual([
    { keys: [1], cells: [{ value: 1, n: 1, nonfinite: 0, others: 0 }] },
  ]);
  const all = await results.all().pivot('a', 'b', 'y');
  expect(all.by).toEqual(['a', 'code']);
  expect(all.columns).toEqual([1]);
  expect(all.rows.map(({ cells }) => cells[0]?.value).sort()).toEqual([1, 3]);
});

it('a pivot with too many columns is refused', async () => {
  const results = await open(
    Array.from({ length: 201 }, (_, index) =>
      recordOf({ index, params: { a: 1, b: index }, metrics: { y: 1 } }),
    ),
  );
  await expect(results.pivot('a', 'b', 'y')).rejects.toMatchObject({
    code: 'METALAB_PIVOT',
    message: expect.stringContaining('201 values'),
  });
  expect((await results.where('b', '>', 0).pivot('a', 'b', 'y')).columns).toHaveLength(200);
});
