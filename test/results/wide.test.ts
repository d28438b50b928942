import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { resultsOf } from '../../src/results/open.js';
import { readCoverage } from '../../src/storage/file/formats/runs-file.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { ROOT } from '../support/metalab.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

const METRICS = 2000;
const RUNS = 500;
const BUILT = new URL('dist/results/', `file://${ROOT}`).href;

async function wideStore() {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const lines = Array.from({ length: RUNS }, (_, index) => {
    const metrics: { [name: string]: number } = {};
    for (let metric = 0; metric < METRICS; metric++) metrics[`m${metric}`] = index + metric / 7;
    return recordOf({ index, params: { x: index % 5 }, tags: ['a', 'b'], metrics });
  });
  writeSegment(store, lines);
  return store;
}

/** Runs a program in a process of its own. @returns its peak memory in megabytes */
async function peakOf(program: string, root: string): Promise<number> {
  const peak = `console.log(/VmHWM:\\s+(\\d+)/.exec((await import('node:fs')).readFileSync('/proc/self/status', 'utf8'))[1]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${program}; ${peak}`, root, BUILT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  return Number(output) / 1024;
}

const OPEN = `
  const { openFileStore } = await import(process.argv[2] + '../storage/file/open.js');
  const store = await openFileStore(process.argv[1]);
  const results = (await import(process.argv[2] + 'open.js')).resultsOf(store, '${EXPERIMENT}');`;

it('2,000 metrics of 500 runs are read, grouped and compacted in less than 500 MB', {
  timeout: 540_000,
}, async () => {
  const store = await wideStore();
  const read = `${OPEN}
    let n = 0;
    for await (const row of results.rows()) n += row.m1999 === row.m0 + 1999 / 7 ? 1 : 0;
    if (n !== ${RUNS}) throw new Error('read ' + n);`;
  const group = `${OPEN}
    const { groups, metrics } = await results.groupBy('x').stats();
    if (groups.length !== 5 || metrics.length !== ${METRICS} || groups[4].summaries.length !== ${METRICS})
      throw new Error(groups.length + ' groups of ' + metrics.length);`;
  const compact = `${OPEN}
    const folder = store.experimentFolder('${EXPERIMENT}');
    await (await import(process.argv[2] + 'compaction/compact.js')).compactRuns(folder, folder + '/runs/.x');`;
  const exported = ['parquet', 'arrow', 'csv'].map(
    (format) => `${OPEN}
    await results.export(store.root + '/wide.${format}');`,
  );
  const peaks: number[] = [];
  for (const program of [read, group, compact, read, group, ...exported])
    peaks.push(await peakOf(program, store.root));
  for (const peak of peaks) expect(peak).toBeLessThan(500);

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
