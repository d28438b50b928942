import { describe, expect, it } from 'vitest';
import type { PlotData, PlotRow } from '../../src/plot/plot-data.js';
import { plotResults } from '../../src/plot/plot-results.js';
import { readPlotData } from '../../src/plot/read-plot-data.js';
import { studentT975 } from '../../src/results/query/student-t.js';
import { recordOf } from '../support/records.js';
import { finite, OPTIMISERS, RATES, resultsOfRuns, SERIES, SWEEP } from './sweep.js';

/** Mean and 95 % confidence interval, computed plainly. */
function plain(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = studentT975(values.length - 1) * Math.sqrt(squares / (values.length - 1) / values.length);
  return { y: mean, low: mean - half, high: mean + half, n: values.length };
}

function expectClose(row: PlotRow | undefined, expected: ReturnType<typeof plain>): void {
  expect(row?.y).toBeCloseTo(expected.y, 10);
  expect(row?.low).toBeCloseTo(expected.low, 10);
  expect(row?.high).toBeCloseTo(expected.high, 10);
  expect(row?.n).toBe(expected.n);
}

const losses = (lr?: number, opt?: string) => finite(lr, opt).map(({ metrics }) => metrics.loss as number);
const valuesOf = (spec: object) => (spec as { data: { values: PlotRow[] } }).data.values;
const notesOf = ({ notes }: PlotData) => notes.join('\n');

describe('a line', () => {
  it('has the mean and its 95 % interval of each x and group, without what is not finite or failed', async () => {
    const results = await resultsOfRuns(SWEEP);
    const { spec, notes } = await plotResults(results, { x: 'lr', y: 'loss', group: 'opt' });
    const rows = valuesOf(spec);
    expect(rows).toHaveLength(RATES.length * OPTIMISERS.length);
    for (const lr of RATES)
      for (const opt of OPTIMISERS)
        expectClose(
          rows.find(({ x, series }) => x === lr && series === opt),
          plain(losses(lr, opt)),
        );
    expect(notes).toEqual([
      '1 failed or cancelled run left out',
      '1 value of loss that are NaN or infinite left out',
    ]);
  });

  it('says over which params its means are, but not of those that a condition fixes', async () => {
    const results = await resultsOfRuns(SWEEP);
    expect(notesOf(await readPlotData(results, { x: 'lr', y: 'loss' }))).toContain('means are over opt too');
    const one = results.filter({ opt: 'sgd' });
    expect(notesOf(await readPlotData(one, { x: 'lr', y: 'loss' }))).not.toContain('means are over');
  });

  it('leaves values of 0 or less out of a logarithmic axis, and counts them', async () => {
    const records = [0, -1, 1, 10].map((lr, index) =>
      recordOf({ index, params: { lr }, metrics: { loss: index } }),
    );
    const results = await resultsOfRuns(records);
    const data = await readPlotData(results, { x: 'lr', y: 'loss', logX: true });
    expect(data.rows.map(({ x }) => x)).toEqual([1, 10]);
    expect(notesOf(data)).toContain('2 values of lr that are 0 or less left out');
  });

  it('says how many intervals a logarithmic axis cuts off', async () => {
    const records = [1, 100].map((loss, index) => recordOf({ index, params: { lr: 1 }, metrics: { loss } }));
    const data = await readPlotData(await resultsOfRuns(records), { x: 'lr', y: 'loss', logY: true });
    expect(data.rows[0]).toMatchObject({ y: 50.5, n: 2 });
    expect(data.rows[0]!.low).toBeLessThan(0);
    expect(notesOf(data)).toContain('1 interval cut off at the bottom');
  });

  it('draws at most 20 groups, in natural order, and names --where', async () => {
    const records = Array.from({ length: 60 }, (_, index) =>
      recordOf({
        index,
        params: { lr: index % 2, model: `m${Math.floor(index / 2)}` },
        metrics: { loss: index },
      }),
    );
    const data = await readPlotData(await resultsOfRuns(records), { x: 'lr', y: 'loss', group: 'model' });
    expect(data.series?.names).toEqual(Array.from({ length: 20 }, (_, index) => `m${index}`));
    expect(data.rows).toHaveLength(40);
    expect(notesOf(data)).toContain('only the first 20 of 30 values of model are drawn (--where chooses)');
  });

  it('never draws values of different types as one group', async () => {
    const records = [1, '1', null, 'null'].map((model, index) =>
      recordOf({ index, params: { lr: 1, model }, metrics: { loss: index } }),
    );
    const data = await readPlotData(await resultsOfRuns(records), { x: 'lr', y: 'loss', group: 'model' });
    expect(data.series?.names.toSorted()).toEqual(['"1"', '"null"', '1', 'null']);
  });

  it('keeps runs of other code apart', async () => {
    const records = Array.from({ length: 8 }, (_, index) =>
      recordOf({
        index,
        params: { lr: 1 },
        metrics: { loss: index },
        code_fingerprint: `${index % 2}`.repeat(64),
      }),
    );
    const data = await readPlotData(await resultsOfRuns(records), { x: 'lr', y: 'loss' });
    expect(data.rows.map(({ y, n }) => [y, n])).toEqual([
      [3, 4],
      [4, 4],
    ]);
    expect(data.series?.title).toBe('code');
  });

  it('draws columns whose names mean something to Vega', async () => {
    const records = [1, 2].map((value, index) =>
      recordOf({ index, params: { 'a.b[0]': value, y: 1 }, metrics: { 'x"\\': value } }),
    );
    const { spec } = await plotResults(await resultsOfRuns(records), { x: 'a.b[0]', y: 'x"\\', group: 'y' });
    expect(valuesOf(spec).map(({ x, y, series }) => [x, y, series])).toEqual([
      [1, 1, '1'],
      [2, 2, '1'],
    ]);
  });
});

describe('other kinds', () => {
  it('a bar is the default over text; a proportion has its own interval', async () => {
    const data = await readPlotData(await resultsOfRuns(SWEEP), { x: 'opt', y: 'solved' });
    expect(data.kind).toBe('bar');
    expect(data.x.categories).toEqual(OPTIMISERS);
    expect(data.rows[0]).toMatchObject({ x: 'adam', y: 0.5, n: 12 });
    expect(data.rows[0]!.low).toBeGreaterThan(0);
    expect(data.rows[0]!.high).toBeLessThan(1);
  });

  it('a scatter has each run with two finite numbers', async () => {
    const data = await readPlotData(await resultsOfRuns(SWEEP), { x: 'accuracy', y: 'loss', group: 'opt' });
    expect(data.kind).toBe('scatter');
    expect(data.rows.map(({ x, y, series }) => [x, y, series])).toEqual(
      finite().map(({ metrics, params }) => [metrics.accuracy, metrics.loss, params.opt]),
    );
    expect(notesOf(data)).toContain('1 run without a finite loss left out');
  });

  it('a scatter of many runs is a sample of 10,000, always the same', async () => {
    const records = Array.from({ length: 12_000 }, (_, index) =>
      recordOf({ index, params: { lr: index }, metrics: { loss: index } }),
    );
    const results = await resultsOfRuns(records);
    const request = { kind: 'scatter', x: 'lr', y: 'loss' } as const;
    const data = await readPlotData(results, request);
    expect(new Set(data.rows.map(({ x }) => x)).size).toBe(10_000);
    expect(notesOf(data)).toContain('a sample of 10,000 of 12,000 runs');
    expect((await readPlotData(results, request)).rows).toEqual(data.rows);
  });

  it.each([false, true])(
    'a histogram counts each run once, in the bin it is in (logarithmic: %s)',
    async (logX) => {
      const values = Array.from({ length: 1000 }, (_, index) => 0.01 * (index + 1) ** 1.5);
      const records = values.map((loss, index) => recordOf({ index, params: { lr: 1 }, metrics: { loss } }));
      const data = await readPlotData(await resultsOfRuns(records), { x: 'loss', logX });
      expect(data.kind).toBe('hist');
      expect(data.rows.length).toBeLessThanOrEqual(42);
      expect(data.rows.reduce((sum, { n = 0 }) => sum + n, 0)).toBe(1000);
      for (const { x, x2, n } of data.rows) {
        const margin = 1e-9 * (x2 as number);
        const inside = values.filter((value) => value >= (x as number) && value < (x2 as number)).length;
        const near = values.filter(
          (value) => Math.abs(value - (x as number)) < margin || Math.abs(value - x2!) < margin,
        );
        expect(Math.abs(inside - (n ?? 0))).toBeLessThanOrEqual(near.length);
      }
    },
  );

  it('a histogram of accuracies ends at 1', async () => {
    const records = [0, 0.25, 0.5, 1, 1, 1].map((accuracy, index) =>
      recordOf({ index, params: { lr: 1 }, metrics: { accuracy } }),
    );
    const data = await readPlotData(await resultsOfRuns(records), { x: 'accuracy' });
    expect(data.rows.at(-1)).toMatchObject({ x: 0.8, x2: 1, n: 3 });
    expect(data.rows.map(({ n }) => n)).toEqual([1, 1, 1, 0, 3]);
  });

  it('a histogram by group counts each group', async () => {
    const data = await readPlotData(await resultsOfRuns(SWEEP), { x: 'loss', group: 'opt' });
    for (const opt of OPTIMISERS) {
      const n = data.rows.filter(({ series }) => series === opt).reduce((sum, row) => sum + (row.n ?? 0), 0);
      expect(n).toBe(finite(undefined, opt).length);
    }
  });

  it('a curve has the mean and interval over the runs at each step', async () => {
    const results = await resultsOfRuns(SWEEP, SERIES);
    const data = await readPlotData(results, { x: 'step', y: 'train_loss', group: 'opt' });
    expect(data.kind).toBe('curve');
    expect(data.rows).toHaveLength(20);
    const runs = SWEEP.filter(({ status, params }) => status === 'success' && params.opt === 'sgd');
    for (const step of [0, 9]) {
      const values = runs.map(({ index }) => 10 / (1 + step) + index);
      expectClose(
        data.rows.find(({ x, series }) => x === step && series === 'sgd'),
        plain(values),
      );
    }
    expect(notesOf(data)).toContain('means are over lr too');
  });

  it('curves are by all params that vary, of the attempt that won, without what is not finite', async () => {
    const stray = { ...SERIES[0]!, attempt: 2, value: 1e9 };
    const nan = { ...SERIES[0]!, step: 99, value: { $numberDouble: 'NaN' } };
    const data = await readPlotData(await resultsOfRuns(SWEEP, [stray, ...SERIES, nan]), { y: 'train_loss' });
    expect(data.series?.names).toHaveLength(RATES.length * OPTIMISERS.length);
    expect(data.series?.names[0]).toBe('lr=0.001, opt=adam');
    expect(data.rows[0]).toMatchObject({ x: 0, y: 11.5, n: 4 });
    expect(notesOf(data)).toContain('1 value of train_loss that are NaN or infinite');
  });

  it('curves of params that differ in late digits only stay apart', async () => {
    const rates = [0.123456, 0.123457, 0.9];
    const records = rates.map((lr, index) => recordOf({ index, params: { lr, layers: lr < 0.5 ? 1 : 2 } }));
    const series = records.map(({ run_id }) => ({ ...SERIES[0]!, run_id }));
    const data = await readPlotData(await resultsOfRuns(records, series), { y: 'train_loss' });
    expect(data.series?.names).toEqual(['layers=1, lr=0.1235', 'layers=1, lr=0.123457', 'layers=2, lr=0.9']);
    expect(data.rows).toHaveLength(3);
  });

  it('a heat map has the mean of the value at each x and y', async () => {
    const data = await readPlotData(await resultsOfRuns(SWEEP), { x: 'lr', y: 'opt', value: 'loss' });
    expect(data.kind).toBe('heat');
    expect(data.rows).toHaveLength(6);
    const cell = data.rows.find(({ x, y }) => x === '0.01' && y === 'sgd');
    expect(cell?.value).toBeCloseTo(plain(losses(0.01, 'sgd')).y, 10);
  });

  it.each(['heat', 'bar'] as const)(
    'a %s chart names the values of x of which no run is finite',
    async (kind) => {
      const diverged = SWEEP.map((record) =>
        record.params.lr === 0.1 ? { ...record, metrics: { loss: Number.NaN } } : record,
      );
      const axes = kind === 'heat' ? { x: 'lr', y: 'opt', value: 'loss' } : { kind, x: 'lr', y: 'loss' };
      const data = await readPlotData(await resultsOfRuns(diverged), axes);
      expect(data.x.categories).toEqual(['0.001', '0.01', '0.1']);
      expect(data.rows.some(({ x }) => x === '0.1')).toBe(false);
    },
  );
});

describe('what can’t be drawn', () => {
  it.each([
    [{ x: 'lrr', y: 'loss' }, 'METALAB_UNKNOWN_COLUMN', 'lr'],
    [{ x: 'lr', y: 'note' }, 'METALAB_NOT_NUMERIC', 'loss'],
    [{ x: 'accuracy', y: 'note', kind: 'scatter' }, 'METALAB_NOT_NUMERIC', 'loss'],
    [{ x: 'opt', y: 'loss', kind: 'scatter', logX: true }, 'METALAB_NOT_NUMERIC', 'lr'],
    [{ y: 'train_los', kind: 'curve' }, 'METALAB_UNKNOWN_SERIES', 'train_loss'],
    [{ x: 'lr', kind: 'line' }, 'METALAB_PLOT', '--y'],
    [{ x: 'lr', y: 'opt', kind: 'heat' }, 'METALAB_PLOT', '--value'],
    [{ x: 'loss', y: 'loss', kind: 'hist' }, 'METALAB_PLOT', '--x'],
    [{ x: 'lr', y: 'train_loss', kind: 'curve' }, 'METALAB_PLOT', 'step'],
    [{ x: 'lr', y: 'opt', value: 'loss', group: 'opt' }, 'METALAB_PLOT', '--value'],
  ] as const)('%j is refused with %s', async (request, code, expected) => {
    const plot = readPlotData(await resultsOfRuns(SWEEP, SERIES), request);
    await expect(plot).rejects.toMatchObject({ code, expected: expect.stringContaining(expected) });
  });

  it('an axis of more categories than can be named is refused', async () => {
    const records = Array.from({ length: 101 }, (_, index) =>
      recordOf({ index, params: { name: `n${index}` }, metrics: { loss: 1 } }),
    );
    await expect(readPlotData(await resultsOfRuns(records), { x: 'name', y: 'loss' })).rejects.toMatchObject({
      code: 'METALAB_PLOT',
    });
  });
});
