import { expect, it } from 'vitest';
import { resultsOf } from '../../src/results/open.js';
import { readCoverage } from '../../src/storage/file/formats/runs-file.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';
import { COMPACT, expectPeaks } from './peak-memory.js';

const METRICS = 2000;
const RUNS = 500;

async function wideStore(runs: number, count: number) {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const lines = Array.from({ length: runs }, (_, index) => {
    const metrics: { [name: string]: number } = {};
    for (let metric = 0; metric < count; metric++) metrics[`m${metric}`] = index + metric / 7;
    return recordOf({ index, params: { x: index % 5 }, tags: ['a', 'b'], metrics });
  });
  writeSegment(store, lines);
  return store;
}

it('2,000 metrics of 500 runs are read, grouped and compacted in less than 500 MB', {
  timeout: 540_000,
}, async () => {
  const store = await wideStore(RUNS, METRICS);
  const read = `
    let n = 0;
    for await (const row of results.rows()) n += row.m1999 === row.m0 + 1999 / 7 ? 1 : 0;
    if (n !== ${RUNS}) throw new Error('read ' + n);`;
  const group = `
    const { groups, metrics } = await results.groupBy('x').stats();
    if (groups.length !== 5 || metrics.length !== ${METRICS} || groups[4].summaries.length !== ${METRICS})
      throw new Error(groups.length + ' groups of ' + metrics.length);`;
  const exported = Object.fromEntries(
    ['parquet', 'arrow', 'csv'].map((format) => [
      format,
      `await results.export(store.root + '/wide.${format}', { force: true });`,
    ]),
  );
  await expectPeaks([{ read, group }, { COMPACT }, { read, group, ...exported }], store.root);

  expect((await readCoverage(store.experimentFolder(EXPERIMENT)))?.runs).toBe(RUNS);
  const results = resultsOf(store, EXPERIMENT);
  const { rows } = await results
    .sort('-m7')
    .limit(2)
    .select('x', 'm7', 'm1500', 'tags', 'started_at', 'duration_ms')
    .table();
  const rest = { tags: ['a', 'b'], started_at: '2026-01-01T00:00:00.000Z', duration_ms: 1000 };
  expect(rows).toEqual([
    { x: 4, m7: 500, m1500: 499 + 1500 / 7, ...rest },
    { x: 3, m7: 499, m1500: 498 + 1500 / 7, ...rest },
  ]);
  await results.close();
});

it('10,000 metrics of two runs are read, grouped and compacted in less than 500 MB', {
  timeout: 540_000,
}, async () => {
  const store = await wideStore(2, 10_000);
  const read = `const { columns, rows } = await results.cutTexts(1000).table();
    if (rows.length !== 2 || columns.length !== 10_002 || rows[1].m9999 !== 1 + 9999 / 7) throw new Error('' + rows.length);`;
  const group = `const { groups } = await results.groupBy('x').stats();
    if (groups.length !== 2 || groups[1].summaries[9999].n !== 1) throw new Error('' + groups.length);`;
  await expectPeaks([{ read }, { COMPACT }, { read, group }], store.root);
});
