import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { ArtifactDescriptor } from '../../src/definition/record.js';
import { saveArtifacts } from '../../src/index.js';
import { resultsOf } from '../../src/results/open.js';
import { artifactsFolder } from '../../src/storage/file/layout.js';
import { temporaryFolder, temporaryStore } from '../storage/file/temporary-store.js';
import { collectGarbage } from '../support/collect-garbage.js';
import { metalab } from '../support/metalab.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

const shaOf = (content: string) => createHash('sha256').update(content).digest('hex');
const artifact = (name: string, content: string): ArtifactDescriptor => ({
  artifact_id: name,
  name,
  kind: 'artifact',
  format: 'text',
  uri: `artifacts/${shaOf(content)}`,
  content_hash: shaOf(content),
  size_bytes: content.length,
  metadata: {},
});

/** Three runs; the last has no artifacts. */
async function open() {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  const runs = [
    recordOf({ index: 0, params: { x: 0 }, artifacts: [artifact('fit', 'fit 0'), artifact('a/b', 'same')] }),
    recordOf({ index: 1, params: { x: 1 }, artifacts: [artifact('fit', 'fit 1'), artifact('a/b', 'same')] }),
    recordOf({ index: 2, params: { x: 2 } }),
  ];
  writeSegment(store, runs);
  const folder = artifactsFolder(store.experimentFolder(EXPERIMENT));
  mkdirSync(folder, { recursive: true });
  for (const content of ['fit 0', 'fit 1', 'same']) writeFileSync(join(folder, shaOf(content)), content);
  const target = join(temporaryFolder(), 'saved');
  const save = (...args: string[]) =>
    metalab(['artifacts', 'pi_mc', '--get-all', target, ...args, '--store', store.root]);
  return {
    store,
    target,
    save,
    ids: runs.map(({ run_id }) => run_id),
    bytesOf: (content: string) => join(folder, shaOf(content)),
  };
}

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

it('saves the artifacts of all runs in a folder for each, or flat, or some of them', async () => {
  const {
    target,
    save,
    ids: [a, b],
  } = await open();
  expect(await save()).toMatchObject({ code: 0, stderr: `4 artifacts saved in ${target}\n` });
  expect(filesIn(target)).toEqual([a, b].flatMap((id) => [`${id}/a%2Fb.txt`, `${id}/fit.txt`]).sort());
  expect(readFileSync(join(target, b!, 'fit.txt'), 'utf8')).toBe('fit 1');
  rmSync(target, { recursive: true });
  expect(await save('--flat', '--name', 'fit', '--where', 'x>0')).toMatchObject({ code: 0 });
  expect(filesIn(target)).toEqual([`${b}-fit.txt`]);
});

it('keeps files that are there, and replaces those of other bytes only with --force', async () => {
  const {
    target,
    save,
    ids: [a],
  } = await open();
  await save();
  expect(await save()).toMatchObject({ code: 0, stderr: `0 artifacts saved in ${target}, 4 were there\n` });
  const file = join(target, a!, 'fit.txt');
  writeFileSync(file, 'edited');
  const refused = await save();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`not saved: fit of ${a}: ${file} exists`);
  expect(readFileSync(file, 'utf8')).toBe('edited');
  expect(await save('--force')).toMatchObject({ code: 0 });
  expect(readFileSync(file, 'utf8')).toBe('fit 0');
});

it('lists what it can’t save with the reason, and saves the rest whole', async () => {
  const {
    target,
    save,
    bytesOf,
    ids: [a, b],
  } = await open();
  rmSync(bytesOf('fit 0'));
  writeFileSync(bytesOf('fit 1'), 'FIT 1');
  const { code, stdout } = await save('--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    saved: 2,
    there: 0,
    failed: [
      { run_id: a, name: 'fit', why: expect.stringContaining('not in the store') },
      { run_id: b, name: 'fit', why: expect.stringContaining('damaged') },
    ],
  });
  expect(filesIn(target)).toEqual([a, b].map((id) => `${id}/a%2Fb.txt`).sort());
  writeFileSync(`${target}.file`, '');
  const { code: refused, stderr } = await save('--get-all', `${target}.file`);
  expect(refused).toBe(2);
  expect(stderr).toContain('.file');
});

it('leaves no artifact open that it could not write', async () => {
  const {
    store,
    target,
    save,
    ids: [a],
  } = await open();
  writeFileSync(target, '');
  await collectGarbage();
  const warnings: string[] = [];
  const note = ({ message }: Error) => warnings.push(message);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  expect((await save()).code).toBe(2);
  const one = ['artifacts', a!, '--get', 'fit', '--output', join(target, 'fit'), '--store', store.root];
  expect((await metalab(one)).code).toBe(2);
  // Node closes a forgotten file then, with a warning; from version 25 on that is an error.
  await collectGarbage();
  expect(warnings.filter((warning) => warning.includes('garbage collection'))).toEqual([]);
});

it('a name that no run has is an error that names the nearest, before anything is saved', async () => {
  const { target, save } = await open();
  const { code, stderr } = await save('--name', 'fit', '--name', 'a/c');
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/no run that matches has an artifact 'a\/c'\n.*one of: a\/b, fit/),
  ]);
  expect(existsSync(target)).toBe(false);
});

it('a program does the same', async () => {
  const {
    store,
    target,
    ids: [a],
  } = await open();
  const results = resultsOf(store, EXPERIMENT);
  expect(await saveArtifacts(results.where('x', '=', 0), target, { names: ['fit'] })).toEqual({
    saved: 1,
    there: 0,
    failed: [],
  });
  expect(filesIn(target)).toEqual([`${a}/fit.txt`]);
  await results.close();
});
