import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dir, file } from '../../src/definition/context.js';
import { resolveContext } from '../../src/identity/context.js';
import { FileHashCache } from '../../src/identity/file-hash-cache.js';
import { FileHasher } from '../../src/identity/files.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'metalab context '));
  for (const place of ['one', 'two']) {
    mkdirSync(join(root, place, 'images'), { recursive: true });
    writeFileSync(join(root, place, 'table.csv'), 'a,b');
    writeFileSync(join(root, place, 'images/1.png'), 'png');
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const resolveIn = (place: string, context: Parameters<typeof resolveContext>[0]) =>
  resolveContext(context, join(root, place), new FileHasher(new FileHashCache(join(root, 'cache'))));

describe('a context’s identity', () => {
  it('replaces files and folders by references with absolute paths', async () => {
    const { context, files, problems } = await resolveIn('one', {
      table: file('table.csv'),
      nested: [{ images: dir('images', { pattern: '*.png' }) }, 1],
      rate: 0.5,
    });
    expect(problems).toEqual([]);
    expect(context).toMatchObject({
      table: { $metalab: 'file', path: join(root, 'one/table.csv'), size_bytes: 3 },
      nested: [{ images: { $metalab: 'dir', path: join(root, 'one/images'), files: ['1.png'] } }, 1],
      rate: 0.5,
    });
    expect(files.map(({ path }) => path)).toEqual([
      join(root, 'one/table.csv'),
      join(root, 'one/images/1.png'),
    ]);
  });

  it('does not depend on where the files are, what they are called, or the order of keys', async () => {
    const one = await resolveIn('one', { a: file('table.csv'), b: { c: 1, d: dir('images') } });
    const two = await resolveIn('two', {
      b: { d: dir(join(root, 'two/images')), c: 1 },
      a: file('./table.csv'),
    });
    expect(two.fingerprint).toBe(one.fingerprint);
    writeFileSync(join(root, 'one/renamed.csv'), 'a,b');
    expect(
      (await resolveIn('one', { a: file('renamed.csv'), b: { c: 1, d: dir('images') } })).fingerprint,
    ).toBe(one.fingerprint);
  });

  it('changes with a file’s content, with a plain value, and where a file becomes its hash', async () => {
    const { fingerprint, context } = await resolveIn('one', { a: file('table.csv'), b: 1 });
    writeFileSync(join(root, 'two/table.csv'), 'a,c');
    expect((await resolveIn('two', { a: file('table.csv'), b: 1 })).fingerprint).not.toBe(fingerprint);
    expect((await resolveIn('one', { a: file('table.csv'), b: 2 })).fingerprint).not.toBe(fingerprint);
    expect((await resolveIn('one', { a: context.a!, b: 1 })).fingerprint).not.toBe(fingerprint);
  });

  it('reports everything that is wrong at once, naming the place in the context', async () => {
    const { problems } = await resolveIn('one', {
      missing: file('no.csv'),
      deep: [{ gone: dir('nowhere') }],
      value: Number.NaN,
      map: new Map() as never,
      mixed: { table: file('table.csv'), day: new Date(0) as never },
    });
    expect(problems.map(({ where }) => where)).toEqual([
      "context.missing ('no.csv')",
      "context.deep[0].gone ('nowhere')",
      'context.value',
      'context.map',
      'context.mixed.day',
    ]);
  });

  it('refuses a context that contains itself, with and without files in it', async () => {
    const plain: Record<string, unknown> = {};
    plain.self = plain;
    const withFile: Record<string, unknown> = { table: file('table.csv') };
    withFile.self = withFile;
    expect((await resolveIn('one', plain as never)).problems).toHaveLength(1);
    expect(
      (await resolveIn('one', withFile as never)).problems.some(({ what }) =>
        what.includes('contains itself'),
      ),
    ).toBe(true);
  });
});
