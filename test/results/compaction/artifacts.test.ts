import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { compactRuns } from '../../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../../src/results/compaction/scratch-folders.js';
import { resultsOf } from '../../../src/results/open.js';
import { findGarbage } from '../../../src/storage/file/check/collect-garbage.js';
import { artifactsFolder, runsFile } from '../../../src/storage/file/layout.js';
import type { Store } from '../../../src/storage/store.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { EXPERIMENT, recordOf, writeSegment } from '../../support/records.js';

const recordWith = (index: number) => {
  const sha = String(index).repeat(64);
  const artifact = { name: 'a', uri: `artifacts/${sha}`, sha256: sha, size_bytes: 1 };
  return { ...recordOf({ index }), artifacts: [artifact] };
};

it('garbage is never an artifact of a record that results show, nor of a segment that may be copied back', async () => {
  const store = await temporaryStore();
  const folder = store.experimentFolder(EXPERIMENT);
  writeSegment(store, [recordWith(0)], { submission: 's1' });
  const lost = writeSegment(store, [recordWith(1)], { submission: 's2' });
  mkdirSync(artifactsFolder(folder), { recursive: true });
  for (const index of [0, 1]) writeFileSync(join(artifactsFolder(folder), String(index).repeat(64)), 'x');
  await compactRuns(folder, newScratchFolder(folder));
  expect(await shownAndGarbage(store)).toEqual({ shown: [0, 1], garbage: [] });
  rmSync(dirname(lost), { recursive: true });
  expect(await shownAndGarbage(store)).toEqual({ shown: [0], garbage: [] });
  rmSync(runsFile(folder));
  expect(await shownAndGarbage(store)).toEqual({ shown: [0], garbage: ['1'.repeat(64)] });
});

async function shownAndGarbage(store: Store) {
  const garbage: string[] = [];
  for await (const { path } of findGarbage(store.root)) garbage.push(basename(path));
  const results = resultsOf(store, EXPERIMENT).all();
  try {
    return { shown: (await results.select('index').table()).rows.map(({ index }) => index), garbage };
  } finally {
    await results.close();
  }
}
