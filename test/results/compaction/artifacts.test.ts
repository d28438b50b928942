import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { ArtifactDescriptor } from '../../../src/definition/record.js';
import { compactRuns } from '../../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../../src/results/compaction/scratch-folders.js';
import { resultsOf } from '../../../src/results/open.js';
import { findGarbage } from '../../../src/storage/file/check/collect-garbage.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { parsePack } from '../../../src/storage/file/formats/pack.js';
import { PackWriter } from '../../../src/storage/file/formats/pack-writer.js';
import { listPacks } from '../../../src/storage/file/formats/packs.js';
import { artifactsFolder, runsFile } from '../../../src/storage/file/layout.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { artifactOf, bytesOf } from '../../support/artifacts.js';
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

async function shownAndGarbage(store: FileStore) {
  const garbage: string[] = [];
  for await (const { path } of findGarbage(store.root)) garbage.push(basename(path));
  const results = resultsOf(store, EXPERIMENT).all();
  try {
    return { shown: (await results.select('index').table()).rows.map(({ index }) => index), garbage };
  } finally {
    await results.close();
  }
}

it('of a pack, what no final record refers to becomes a hole once it is much; all else stays where it is', async () => {
  const store = await temporaryStore();
  const folder = store.experimentFolder(EXPERIMENT);
  const writer = new PackWriter(folder, 's1', 'host-1-aa');
  const artifacts = Array.from({ length: 60 }, () => artifactOf(writer.store(randomBytes(10_000))));
  writer.flush();
  const [pack] = await listPacks(folder);
  const path = join(folder, pack!);
  appendFileSync(path, '@artifact torn');
  const whole = readFileSync(path);
  const needing = (needed: readonly ArtifactDescriptor[]) =>
    writeSegment(
      store,
      needed.map((artifact, index) => ({ ...recordOf({ index }), artifacts: [artifact] })),
    );
  const collect = async () => {
    const found: { why: string; bytes: number }[] = [];
    for await (const garbage of findGarbage(store.root)) {
      found.push(garbage);
      await garbage.remove();
    }
    return found;
  };
  needing(artifacts.slice(0, 50));
  expect(await collect()).toEqual([]);
  expect(readFileSync(path).equals(whole)).toBe(true);
  const needed = artifacts.filter((_, at) => at % 20 < 5);
  needing(needed);
  expect(await collect()).toMatchObject([{ path, why: expect.stringContaining('parts of it') }]);
  const { size, blocks } = statSync(path);
  expect(size).toBe(whole.length);
  expect(blocks * 512).toBeLessThan(whole.length / 2);
  for (const artifact of needed) expect((await bytesOf(folder, artifact)).length).toBe(artifact.size_bytes);
  await expect(bytesOf(folder, artifacts[7]!)).rejects.toMatchObject({ code: 'METALAB_ARTIFACT_MISSING' });
  expect(parsePack(readFileSync(path)).map(({ kind }) => kind)).toEqual([
    ...needed.map(() => 'artifact'),
    'torn',
  ]);
  expect(await collect()).toEqual([]);
  needing([]);
  expect(await collect()).toMatchObject([{ path, bytes: size }]);
  expect(await listPacks(folder)).toEqual([]);
});
