import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../../src/storage/file/open.js';
import { openStore } from '../../../src/storage/registry.js';
import { temporaryFolder } from './temporary-store.js';

const create = { create: true };

describe('opening a file store', () => {
  it('makes the folder and store.json, and leaves nothing else', async () => {
    const root = join(temporaryFolder(), 'deep', 'er');
    const { id } = await openFileStore(root, create);
    expect(readdirSync(root)).toEqual(['store.json']);
    expect(JSON.parse(readFileSync(join(root, 'store.json'), 'utf8'))).toMatchObject({ id, scheme: 1 });
  });

  it('takes a path and a file uri for the same', async () => {
    const root = join(temporaryFolder(), 'store');
    const { id, uri } = await openFileStore(pathToFileURL(root).href, create);
    expect((await openFileStore(root)).id).toBe(id);
    expect(uri).toBe(pathToFileURL(root).href);
  });

  it('gives all of many creators at once the same id', async () => {
    const root = join(temporaryFolder(), 'store');
    const stores = await Promise.all(Array.from({ length: 16 }, () => openFileStore(root, create)));
    expect(new Set(stores.map(({ id }) => id)).size).toBe(1);
    expect(readdirSync(root)).toEqual(['store.json']);
  });

  it('does not create a store unless asked to', async () => {
    const root = join(temporaryFolder(), 'store');
    await expect(openFileStore(root)).rejects.toMatchObject({ code: 'METALAB_STORE_MISSING', where: root });
    expect(existsSync(root)).toBe(false);
  });

  it('refuses a store of a newer scheme, naming both numbers and the upgrade', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'store.json'), '{"id":"0123456789abcdef","scheme":2,"created_at":""}');
    await expect(openFileStore(root, create)).rejects.toMatchObject({
      code: 'METALAB_STORE_NEWER',
      message: expect.stringMatching(/scheme 2[\s\S]*scheme 1[\s\S]*upgrade metalab/),
    });
  });

  it('refuses a folder that holds other things, and leaves it as it is', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'thesis.tex'), '');
    await expect(openFileStore(root, create)).rejects.toMatchObject({
      code: 'METALAB_STORE_FOREIGN',
      message: expect.stringContaining('thesis.tex'),
      next: expect.stringContaining('--store'),
    });
    expect(readdirSync(root)).toEqual(['thesis.tex']);
  });

  it('takes a folder with hidden files only', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, '.gitignore'), '*');
    mkdirSync(join(root, 'lost+found'));
    await expect(openFileStore(root, create)).resolves.toMatchObject({ root });
  });

  it('refuses a file, and a folder below a file', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '');
    for (const location of [path, join(path, 'store')]) {
      await expect(openFileStore(location, create)).rejects.toMatchObject({
        code: 'METALAB_STORE_NOT_A_FOLDER',
      });
      await expect(openFileStore(location)).rejects.toMatchObject({
        code: expect.stringMatching(/^METALAB_STORE_/),
      });
    }
  });

  it.skipIf(process.getuid?.() === 0)('refuses a folder that it may not write', async () => {
    const root = temporaryFolder();
    await openFileStore(root, create);
    chmodSync(root, 0o500);
    await expect(openFileStore(root, create)).rejects.toMatchObject({ code: 'METALAB_STORE_UNWRITABLE' });
    chmodSync(root, 0o700);
  });

  it('refuses a filesystem that can not be written', async () => {
    await expect(openFileStore('/proc/metalab', create)).rejects.toMatchObject({
      code: expect.stringMatching(/^METALAB_STORE_/),
      message: expect.stringContaining('/proc/metalab'),
    });
  });

  it('says of a store.json that is not JSON where it is', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'store.json'), '{"id":');
    await expect(openFileStore(root)).rejects.toMatchObject({
      code: 'METALAB_STORE_CORRUPT',
      where: join(root, 'store.json'),
    });
  });

  it('lists the known schemes when a scheme is unknown', async () => {
    await expect(openStore('redis://localhost')).rejects.toMatchObject({
      code: 'METALAB_STORE_SCHEME',
      message: expect.stringMatching(/'redis'[\s\S]*file/),
    });
  });
});
