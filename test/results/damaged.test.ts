import { appendFileSync, truncateSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compactRuns } from '../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../src/results/compaction/scratch-folders.js';
import { openResults } from '../../src/results/results.js';
import type { FileStore } from '../../src/storage/file/open.js';
import { scanFinalHeads } from '../../src/storage/file/scan.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { metalab } from '../support/metalab.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

/** Which runs results have, which planning counts as done, and how many lines results leave out. */
async function seen(store: FileStore) {
  const results = await openResults(store, EXPERIMENT, { all: true });
  const finals = await scanFinalHeads(store.experimentFolder(EXPERIMENT));
  try {
    const rows = await results.rows({ columns: ['index'] });
    return {
      inResults: rows.map(({ index }) => index),
      planned: [...finals.values()].map(({ index }) => index),
      damaged: results.damaged,
    };
  } finally {
    results.close();
  }
}

it('lines that results can not use are counted and told, compacted too, and planning does not count them as done', async () => {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const inside = JSON.stringify(recordOf({ index: 1 })).replace('"metrics":{', '"metrics":{{');
  const segment = [recordOf({ index: 0 }), `${inside}\n`, '\n\n\n', 'garbage\n', recordOf({ index: 2 })];
  writeSegment(store, segment);
  const expected = { inResults: [0, 2], planned: [0, 2], damaged: 2 };
  expect(await seen(store)).toEqual(expected);
  const folder = store.experimentFolder(EXPERIMENT);
  expect(await compactRuns(folder, newScratchFolder(folder))).toBe(2);
  expect(await seen(store)).toEqual(expected);
  const { stdout, stderr } = await metalab(['results', 'pi_mc', '--json', '--store', store.root]);
  expect(JSON.parse(stdout)).toHaveLength(2);
  expect(stderr).toMatch(/2 lines of the segments are damaged and left out; metalab store check/);
  await metalab(['store', 'check', '--repair', '--store', store.root]);
  expect((await seen(store)).damaged).toBe(0);
});

it('a last line torn just before its newline is no record for any reader', async () => {
  const store = await temporaryStore();
  writeSegment(store, [recordOf({ index: 0 }), JSON.stringify(recordOf({ index: 1 }))]);
  expect(await seen(store)).toEqual({ inResults: [0], planned: [0], damaged: 0 });
});

it('NUL bytes at the end, more than the longest line that DuckDB would take, are no line', async () => {
  const store = await temporaryStore();
  const path = writeSegment(store, [recordOf({ index: 0 })]);
  truncateSync(path, 70 * 1024 * 1024);
  expect(await seen(store)).toEqual({ inResults: [0], planned: [0], damaged: 0 });
  appendFileSync(path, '\n');
  expect((await seen(store)).planned).toEqual([0]);
});
