import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { RunRecord } from '../../../src/definition/record.js';
import { fingerprint } from '../../../src/identity/fingerprint.js';
import { compactRuns } from '../../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../../src/results/compaction/scratch-folders.js';
import { resultsOf } from '../../../src/results/open.js';
import type { Results } from '../../../src/results/results.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { runsFile, seriesFile, seriesFolder } from '../../../src/storage/file/layout.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../support/records.js';

const folderOf = (store: FileStore) => store.experimentFolder(EXPERIMENT);

const compact = (store: FileStore) => compactRuns(folderOf(store), newScratchFolder(folderOf(store)));

const runOf = (index: number, overrides: Partial<RunRecord> = {}) =>
  recordOf({ index, params: { lr: index }, provenance: { slot: 'host-1-aa' }, ...overrides });

const OLD = { code_fingerprint: fingerprint('old code') };

const pointOf = (index: number, step: number, value: unknown, attempt = 1) => ({
  run_id: runOf(index).run_id,
  attempt,
  generation: 0,
  name: index % 2 === 0 ? 'loss' : 'it\'s "acc"',
  step,
  value,
});

/** Retries, a slot that was given up, points that are not finite, and a run of older code. @returns the series' segment */
async function fillStore(store: FileStore): Promise<string> {
  await store.writeManifest(manifestOf());
  writeSegment(store, [runOf(0), runOf(1, { attempt: 2 }), runOf(2), runOf(3, OLD)]);
  writeSegment(store, [pointOf(0, 1, 100)], { kind: 'series', writer: 'host-2-bb' });
  return writeSegment(
    store,
    [
      pointOf(0, 1, 1),
      pointOf(0, 2, { $numberDouble: 'NaN' }),
      pointOf(1, 1, 8),
      pointOf(1, 1, 9, 2),
      pointOf(1, 2.5, { $numberDouble: '-Infinity' }, 2),
      pointOf(3, 1, 5),
    ],
    { kind: 'series' },
  );
}

const CURRENT = [
  [0, 1, 1],
  [0, 2, Number.NaN],
  [1, 1, 9],
  [1, 2.5, Number.NEGATIVE_INFINITY],
];
const ALL = [...CURRENT, [3, 1, 5]];

/** Every way to read series: SQL, points and exports. */
async function expectPoints(
  store: FileStore,
  expected: readonly (readonly number[])[],
  all = false,
): Promise<void> {
  const opened = resultsOf(store, EXPERIMENT);
  const results: Results = all ? opened.all() : opened;
  try {
    const index = new Map([0, 1, 2, 3, 4].map((each) => [runOf(each).run_id, each]));
    const sorted = (rows: (readonly unknown[])[]) =>
      rows
        .map(([run, ...rest]) => [index.get(String(run)), ...rest])
        .sort((a, b) => (String(a) < String(b) ? -1 : 1));
    const points = [];
    for await (const { run_id, step, value } of results.seriesPoints()) points.push([run_id, step, value]);
    expect(sorted(points)).toEqual(expected);
    const answer = await results.sql`SELECT run_id, step, value FROM series`;
    const rows = [];
    for await (const batch of answer.batches()) rows.push(...batch);
    expect(sorted(rows)).toEqual(expected);
    const exported = [];
    const columns = results.select('run_id');
    for await (const batch of (await columns.exported({ series: ['it\'s "acc"'] })).batches())
      exported.push(...batch.map(([run_id, , step, value]) => [run_id, step, value]));
    expect(sorted(exported)).toEqual(expected.filter(([run]) => run! % 2 === 1));
    expect(await results.seriesNames()).toEqual(['it\'s "acc"', 'loss']);
  } finally {
    await results.close();
  }
}

it('readers have the same points before and after a compaction, which they then read instead of the segments', async () => {
  const store = await temporaryStore();
  const segment = await fillStore(store);
  await expectPoints(store, CURRENT);
  await expectPoints(store, ALL, true);
  expect(await compact(store)).toBe(4);
  expect(await compact(store)).toBeNull();
  await expectPoints(store, CURRENT);
  // Runs of older code have theirs in the segments alone.
  await expectPoints(store, ALL, true);
  writeFileSync(segment, Buffer.alloc(statSync(segment).size, ' '));
  await expectPoints(store, CURRENT);
});

it('a file that is not up to date is not read, and is written again', async () => {
  const store = await temporaryStore();
  const segment = await fillStore(store);
  await compact(store);
  // A record alone may make another attempt the one that counts.
  writeSegment(store, [runOf(1, { generation: 1 })], { writer: 'host-3-cc', submission: 's2' });
  const others = CURRENT.slice(0, 2);
  const results = resultsOf(store, EXPERIMENT);
  const steps = [];
  for await (const { step } of results.seriesPoints()) steps.push(step);
  await results.close();
  expect(steps).toEqual(others.map(([, step]) => step));
  writeSegment(store, [{ ...pointOf(1, 7, 7), generation: 1 }], {
    kind: 'series',
    writer: 'host-1-aa',
    submission: 's2',
  });
  const now = [...others, [1, 7, 7]];
  await expectPoints(store, now);
  expect(await compact(store)).toBe(4);
  await expectPoints(store, now);
  appendFileSync(segment, `${JSON.stringify(pointOf(2, 1, 3))}\n`);
  await expectPoints(store, [...now, [2, 1, 3]]);
  expect(await compact(store)).toBe(4);
  await expectPoints(store, [...now, [2, 1, 3]]);
});

it('a torn or corrupt file is ignored', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  await compact(store);
  const file = seriesFile(folderOf(store));
  const good = readFileSync(file);
  for (const place of [0, 10, Math.floor(good.length / 2), good.length - 30]) {
    const damaged = Buffer.from(good);
    damaged[place] = damaged[place]! ^ 0x10;
    writeFileSync(file, damaged);
    await expectPoints(store, CURRENT);
  }
  expect(await compact(store)).toBe(4);
  expect(readFileSync(file).length).toBe(good.length);
});

it('a store with runs compacted before series were gets them, and loses the file with its last series', async () => {
  const store = await temporaryStore();
  const segment = await fillStore(store);
  const folder = folderOf(store);
  await compactRuns(folder, newScratchFolder(folder), { series: false });
  expect(existsSync(seriesFile(folder))).toBe(false);
  await expectPoints(store, CURRENT);
  expect(await compact(store)).toBe(4);
  expect(existsSync(seriesFile(folder))).toBe(true);
  for (const name of [segment, segment.replace('series-host-1-aa', 'series-host-2-bb')]) rmSync(name);
  await compact(store);
  expect(existsSync(seriesFolder(folder))).toBe(false);
  expect(existsSync(runsFile(folder))).toBe(true);
});
