import { expect, it } from 'vitest';
import { DirReference, dir } from '../../src/definition/index.js';
import { resolveContext } from '../../src/identity/context.js';
import { projectWith } from '../support/project.js';

const DATA = { 'images/1.png': 'one', 'images/sub/2.png': 'two' };
const LEFT_BEHIND = {
  'images/.DS_Store': 'x',
  'images/sub/Thumbs.db': 'x',
  'images/._1.png': 'x',
  'images/notes.txt~': 'x',
  'images/.1.png.swp': 'x',
  'images/__pycache__/load.pyc': 'x',
  'images/.ipynb_checkpoints/a.ipynb': 'x',
  'images/.git/HEAD': 'x',
};

async function hashOf(files: { readonly [name: string]: string }, reference: DirReference) {
  const project = await projectWith(files);
  const { context, fingerprint, problems } = await resolveContext({ images: reference }, project.folder);
  expect(problems).toEqual([]);
  const { files: found, rule } = context.images as { files: string[]; rule?: number };
  return { fingerprint, found, rule };
}

it('what systems, editors and interpreters leave in a folder is no part of it, and its identity stays what it was', async () => {
  const clean = await hashOf(DATA, dir('images'));
  const used = await hashOf({ ...DATA, ...LEFT_BEHIND }, dir('images'));
  expect(used).toEqual(clean);
  expect(used).toMatchObject({ found: ['1.png', 'sub/2.png'], rule: 2 });
  expect(clean.fingerprint).toBe((await hashOf(DATA, new DirReference('images'))).fingerprint);
});

it('a pattern that names such files gets them', async () => {
  const files = { ...DATA, ...LEFT_BEHIND };
  expect((await hashOf(files, dir('images', { pattern: 'sub/Thumbs.db' }))).found).toEqual(['sub/Thumbs.db']);
  expect((await hashOf(files, dir('images', { pattern: '**/*~' }))).found).toEqual(['notes.txt~']);
  expect((await hashOf(files, dir('images', { pattern: '__pycache__/**' }))).found).toEqual([
    '__pycache__/load.pyc',
  ]);
  expect((await hashOf(files, dir('images', { pattern: '**/*' }))).found).toEqual(['1.png', 'sub/2.png']);
});

it('a reference without a rule keeps every file, as declarations from before there were rules', async () => {
  const { found, rule } = await hashOf({ ...DATA, ...LEFT_BEHIND }, new DirReference('images'));
  expect(found).toHaveLength(10);
  expect(rule).toBeUndefined();
});
