import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { describe, expect, it, test } from 'vitest';
import { SAMPLE } from '../../../src/testing/sample-store.js';
import { temporaryFolder } from '../../storage/file/temporary-store.js';
import { metalab } from '../../support/metalab.js';
import { filesOf, wholeStore } from './whole-store.js';

async function exported(name: string, ...more: string[]) {
  const { store } = await wholeStore();
  const file = join(temporaryFolder(), name);
  const { code, stderr } = await metalab(['store', 'export', file, '--store', store.root, ...more]);
  expect(code, stderr).toBe(0);
  return { store, file };
}

const target = () => join(temporaryFolder(), 'target');
const importTo = (to: string, file: string, ...more: string[]) =>
  metalab(['store', 'import', file, '--store', to, ...more]);

describe('an exported store', () => {
  it.each(['all.tar.zst', 'all.tar.gz', 'all.tgz', 'ALL.TAR'])('is imported whole: %s', async (name) => {
    const { store, file } = await exported(name);
    const to = target();
    const { code, stderr, stdout } = await importTo(to, file);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`${SAMPLE}: `);
    expect(filesOf(to)).toEqual(filesOf(store.root));
    expect(readdirSync(to).sort()).toEqual(['other@2', 'sample@1.0', 'store.json']);
    expect((await importTo(to, file)).stdout).toContain('nothing is new');
  });

  it('is a store where tar unpacks it', async () => {
    const { store, file } = await exported('all.tar.gz', '--experiment', 'sample');
    const folder = temporaryFolder();
    execFileSync('tar', ['xf', file, '-C', folder]);
    const root = join(folder, 'metalab-store');
    expect(filesOf(join(root, 'sample@1.0'))).toEqual(filesOf(store.experimentFolder(SAMPLE)));
    const check = await metalab(['store', 'check', '--store', root]);
    expect(check.stdout).toContain('1 experiment');
  });

  it('has no logs or artifacts if asked for none, and part of it can be imported', async () => {
    const { file } = await exported('part.tar.gz', '--no-logs', '--no-artifacts');
    const to = target();
    await importTo(to, file, '--experiment', 'sample');
    const names = Object.keys(filesOf(to)).join('\n');
    expect(names).toContain('segments/s2');
    expect(names).not.toMatch(/logs-|packs|artifacts|slurm-out|other@2/);
  });

  it('never replaces a file, unless --force is given', async () => {
    const { store, file } = await exported('all.tar.gz');
    const before = readFileSync(file);
    const args = ['store', 'export', file, '--store', store.root, '--experiment', 'other'];
    const { code, stderr } = await metalab(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/exists[\s\S]*--force to replace it/);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect((await metalab([...args, '--force'])).code).toBe(0);
    expect(readFileSync(file).length).toBeLessThan(before.length);
  });
});

describe('nothing is imported', () => {
  async function refused(file: string, words: RegExp | string) {
    const to = target();
    const { code, stderr } = await importTo(to, file);
    expect(stderr).toMatch(words);
    expect(code).not.toBe(0);
    expect(readdirSync(to)).toEqual(['store.json']);
  }

  test.each(['all.tar.zst', 'all.tar.gz', 'all.tar'])('of a file that is cut off: %s', async (name) => {
    const { file } = await exported(name);
    const whole = readFileSync(file);
    for (const share of [0, 0.3, 0.9, 0.999]) {
      writeFileSync(file, whole.subarray(0, Math.floor(whole.length * share)));
      await refused(file, /damaged or cut off/);
    }
  });

  test('of a file with a damaged byte', async () => {
    const { file } = await exported('all.tar');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    await refused(file, /files in it are damaged or missing: sample@1\.0\//);
  });

  async function forged(entries: readonly (readonly [object & { readonly name: string }, string])[]) {
    const file = join(temporaryFolder(), 'forged.tar');
    const tar = pack();
    for (const [header, text] of entries) tar.entry(header, text);
    tar.finalize();
    await pipeline(tar, createWriteStream(file));
    return file;
  }

  test.each([
    ['a path that leads out', { name: 'metalab-store/sample@1.0/../../../evil' }],
    ['an absolute path', { name: '/tmp/evil' }],
    ['a link', { name: 'metalab-store/sample@1.0/artifacts/x', type: 'symlink', linkname: '/etc' }],
    ['a hidden experiment', { name: 'metalab-store/.x@1/experiment.json' }],
    ['values of environment variables', { name: 'metalab-store/sample@1.0/submissions/s1/env.json' }],
  ])('of an archive with %s', async (_, header) => {
    await refused(await forged([[header, '']]), /nothing was imported/);
  });

  test('of another tar, a name that says no compression, or no file', async () => {
    await refused(await forged([[{ name: 'notes.txt' }, 'x']]), 'is no archive of a store');
    await refused(join(temporaryFolder(), 'all.zip'), 'expected: a name that ends with one of .tar.zst');
    await refused(join(temporaryFolder(), 'all.tar'), "can't be read");
    const folder = join(temporaryFolder(), 'folder.tar');
    mkdirSync(folder);
    await refused(folder, 'it is no file');
  });
});
