import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PackWriter } from '../../src/storage/file/formats/pack-writer.js';
import { artifactsFolder } from '../../src/storage/file/layout.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { artifactOf } from '../support/artifacts.js';
import { metalab } from '../support/metalab.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

/** Three runs, of which one was done twice; each saved an artifact, one of them as a file of its own. */
async function open() {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const folder = store.experimentFolder(EXPERIMENT);
  const writer = new PackWriter(folder, 's1', 'host-1-aa');
  const [first, second, third] = Array.from({ length: 3 }, () => artifactOf(writer.store(randomBytes(5000))));
  writer.flush();
  const sha = 'a'.repeat(64);
  mkdirSync(artifactsFolder(folder));
  writeFileSync(join(artifactsFolder(folder), sha), 'x'.repeat(10_000));
  const file = { ...first!, name: 'file', uri: `artifacts/${sha}`, content_hash: sha, size_bytes: 10_000 };
  writeSegment(store, [
    recordOf({ index: 0, artifacts: [first!, file] }),
    recordOf({ index: 1, artifacts: [second!], generation: 0 }),
    recordOf({ index: 1, artifacts: [third!], generation: 1 }),
    recordOf({ index: 2 }),
  ]);
  writeSegment(store, ['{}\n'], { kind: 'logs' });
  const json = async (...args: string[]) =>
    JSON.parse((await metalab(['store', ...args, '--store', store.root, '--json'])).stdout);
  return { store, folder, json };
}

/** All files below a folder. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

it('tells the number of runs and artifacts, and the files and sizes of each kind', async () => {
  const { store, folder, json } = await open();
  const files = filesIn(folder);
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  const info = await json('info');
  expect(info).toMatchObject({
    store: store.uri,
    id: store.id,
    runs: 3,
    artifacts: 3,
    files: files.length,
    bytes,
  });
  expect(info.kinds).toMatchObject({
    records: { files: 1 },
    logs: { files: 1, bytes: 3 },
    artifacts: { files: 2, bytes: expect.any(Number) },
    other: { files: 1 },
  });
  expect(info.kinds.artifacts.bytes).toBeGreaterThan(25_000);
  expect(info.experiments).toMatchObject([{ experiment_id: EXPERIMENT, runs: 3, artifacts: 3, bytes }]);
  expect(await json('info', 'pi')).toEqual(info);
  expect(await json('list')).toEqual([{ experiment_id: EXPERIMENT, files: files.length, bytes }]);
  const { stdout } = await metalab(['store', 'info', '--store', store.root]);
  expect(stdout).toMatch(/1 experiment, 3 runs, 3 artifacts, 5 files, 2\d\.?\d* KiB/);
  expect(stdout).toMatch(/^artifacts +2 +2\d/m);
});

it('an empty store has nothing, and an experiment that is not there is an error', async () => {
  const store = await temporaryStore();
  expect((await metalab(['store', 'list', '--store', store.root])).stderr).toContain('nothing was submitted');
  const { stdout } = await metalab(['store', 'info', '--store', store.root]);
  expect(stdout).toContain('0 experiments, 0 runs, 0 artifacts, 0 files, 0 B');
  expect((await metalab(['store', 'info', 'nothing', '--store', store.root])).code).toBe(2);
});
