import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { compactRuns } from '../../../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../../../src/results/compaction/scratch-folders.js';
import { openRunsFile } from '../../../../src/storage/file/formats/runs-file.js';
import { runsFile } from '../../../../src/storage/file/layout.js';
import { collectGarbage } from '../../../support/collect-garbage.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../../support/records.js';
import { temporaryStore } from '../temporary-store.js';

it('a file of compacted runs stays open until it is closed, even if only its path is kept', async () => {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, [recordOf({ index: 0 })]);
  const folder = store.experimentFolder(EXPERIMENT);
  await compactRuns(folder, newScratchFolder(folder));
  const { path } = (await openRunsFile(folder))!;
  await collectGarbage();
  expect(readFileSync(path).equals(readFileSync(runsFile(folder)))).toBe(true);
});
