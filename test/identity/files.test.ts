import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/access/own-folders.js';
import type { HashedFile } from '../../src/definition/declaration.js';
import { FileHashCache } from '../../src/identity/file-hash-cache.js';
import { FileHasher } from '../../src/identity/files.js';

let root: string;
let data: string;
let cache: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'metalab files '));
  data = join(root, 'data');
  cache = join(root, 'cache');
  mkdirSync(data);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const hasher = () => new FileHasher(new FileHashCache(cache));
async function hashFile(path: string): Promise<HashedFile> {
  const [hashed] = await hasher().hashAll([path]);
  if ('what' in hashed!) throw new Error(JSON.stringify(hashed));
  return hashed!;
}

const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** Writes a file that was last modified a minute ago, so that its hash may be kept. */
function write(path: string, content: string, ageSeconds = 60): string {
  const file = join(data, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  const time = Math.round(Date.now() / 1000) - ageSeconds;
  utimesSync(file, time, time);
  return file;
}

describe('hashing a file', () => {
  it('hashes its content, however large', async () => {
    const text = 'x'.repeat(3_000_000);
    const file = write('big.bin', text);
    expect(await hashFile(file)).toMatchObject({
      path: file,
      content_hash: sha(text),
      size_bytes: 3_000_000,
    });
  });

  it('never reads an unchanged file twice, in this process or another', async () => {
    const file = write('a.csv', 'one');
    await hashFile(file);
    const remembered = join(cache, 'file-hashes.json');
    writeFileSync(remembered, readFileSync(remembered, 'utf8').replace(sha('one'), sha('remembered')));
    expect((await hashFile(file)).content_hash).toBe(sha('remembered'));
  });

  it('reads a file again that was changed in place and given its old time back', async () => {
    const file = write('a.csv', 'one');
    await hashFile(file);
    write('a.csv', 'two');
    expect((await hashFile(file)).content_hash).toBe(sha('two'));
  });

  it('reads a file again when its size, time or inode differ', async () => {
    const file = write('a.csv', 'one');
    await hashFile(file);
    write('a.csv', 'two', 30);
    expect((await hashFile(file)).content_hash).toBe(sha('two'));
    write('a.csv', 'three', 30);
    expect((await hashFile(file)).content_hash).toBe(sha('three'));
    rmSync(file);
    write('filler', 'x');
    write('a.csv', 'sieve', 30);
    expect((await hashFile(file)).content_hash).toBe(sha('sieve'));
  });

  it('does not keep the hash of a file that was modified just now', async () => {
    const file = write('a.csv', 'one', 0);
    await hashFile(file);
    expect(existsSync(join(cache, 'file-hashes.json'))).toBe(false);
  });

  it.each(['', '{', '[]', '{"version":1,"files":{"x":null}}', '{"version":9,"files":{}}'])(
    'takes a cache that holds %j for an empty one, and mends it',
    async (content) => {
      mkdirSync(cache);
      writeFileSync(join(cache, 'file-hashes.json'), content);
      const file = write('a.csv', 'one');
      expect((await hashFile(file)).content_hash).toBe(sha('one'));
      expect(readFileSync(join(cache, 'file-hashes.json'), 'utf8')).toContain(sha('one'));
    },
  );

  it('works where the cache can’t be written', async () => {
    writeFileSync(cache, 'a file where the folder should be');
    expect((await hashFile(write('a.csv', 'one'))).content_hash).toBe(sha('one'));
  });

  it('keeps the entries of writers at the same time readable', async () => {
    const files = Array.from({ length: 20 }, (_, index) => write(`${index}.csv`, `content ${index}`));
    const hashed = await Promise.all(files.map((file) => hashFile(file)));
    expect(hashed.map(({ content_hash }) => content_hash)).toEqual(
      files.map((_, index) => sha(`content ${index}`)),
    );
    expect(() => JSON.parse(readFileSync(join(cache, 'file-hashes.json'), 'utf8'))).not.toThrow();
  });

  it('says what is wrong with a file that is missing, or is a folder', async () => {
    expect(await hasher().hashAll([join(data, 'no.csv'), data])).toEqual([
      expect.objectContaining({
        where: expect.stringContaining('no.csv'),
        what: 'does not exist',
        next: expect.stringContaining('check the path'),
      }),
      expect.objectContaining({ what: 'is a folder', next: expect.stringContaining('dir(…)') }),
    ]);
  });
});

describe('hashing a folder', () => {
  it('depends on relative paths and contents, and on nothing else', async () => {
    write('b/two.csv', '2');
    write('a.csv', '1');
    const first = await hasher().hashDir(data);
    expect(first.files).toEqual(['a.csv', 'b/two.csv']);
    expect(first.problems).toEqual([]);
    const other = join(root, 'elsewhere');
    execFileSync('cp', ['-r', data, other]);
    expect((await hasher().hashDir(other)).content_hash).toBe(first.content_hash);
    write('b/two.csv', '3');
    const changed = (await hasher().hashDir(data)).content_hash;
    expect(changed).not.toBe(first.content_hash);
    rmSync(join(data, 'b/two.csv'));
    write('b/renamed.csv', '2');
    expect((await hasher().hashDir(data)).content_hash).not.toBe(first.content_hash);
  });

  it('counts only the files that match the pattern', async () => {
    write('a.csv', '1');
    write('b/c/two.csv', '2');
    write('b/notes.md', 'n');
    const { files } = await hasher().hashDir(data, '**/*.csv');
    expect(files).toEqual(['a.csv', 'b/c/two.csv']);
    expect((await hasher().hashDir(data, '*.csv')).files).toEqual(['a.csv']);
    const before = await hasher().hashDir(data, '**/*.csv');
    write('b/notes.md', 'other');
    expect((await hasher().hashDir(data, '**/*.csv')).content_hash).toBe(before.content_hash);
  });

  it('follows links, and comes to an end where they lead in circles', async () => {
    write('a.csv', '1');
    mkdirSync(join(root, 'outside'));
    writeFileSync(join(root, 'outside/b.csv'), '2');
    symlinkSync(join(root, 'outside'), join(data, 'linked'));
    symlinkSync('..', join(root, 'outside/up'));
    symlinkSync('.', join(data, 'myself'));
    symlinkSync('a.csv', join(data, 'z.csv'));
    const { files, problems } = await hasher().hashDir(data);
    expect(problems).toEqual([]);
    expect(files).toContain('z.csv');
    expect(files).toContain('linked/b.csv');
    expect(files.length).toBeLessThan(20);
  });

  it('reports all that can’t be read at once, and leaves out what is no file', async () => {
    write('a.csv', '1');
    symlinkSync('nowhere', join(data, 'broken.csv'));
    symlinkSync('loop.csv', join(data, 'loop.csv'));
    const server = createServer().listen(join(data, 'socket'));
    await once(server, 'listening');
    const { problems } = await hasher().hashDir(data);
    server.close();
    expect(problems.map(({ where }) => where)).toEqual([join(data, 'broken.csv'), join(data, 'loop.csv')]);
  });

  it.skipIf(process.getuid?.() === 0)('reports files that may not be read', async () => {
    chmodSync(write('secret.csv', '1'), 0);
    expect((await hasher().hashDir(data)).problems).toMatchObject([{ what: 'may not be read' }]);
  });

  it('reports a folder that is missing or without files', async () => {
    expect((await hasher().hashDir(join(data, 'no'))).problems).toMatchObject([{ what: 'does not exist' }]);
    expect((await hasher().hashDir(data, '*.csv')).problems).toMatchObject([
      { what: "holds no file that matches '*.csv'" },
    ]);
  });
});

describe('the cache folder', () => {
  it('is METALAB_CACHE, else below XDG_CACHE_HOME, else below the home folder', () => {
    expect(cacheFolder({ METALAB_CACHE: '/m', XDG_CACHE_HOME: '/x' })).toBe('/m');
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/metalab');
    expect(cacheFolder({})).toMatch(/\.cache\/metalab$/);
  });
});
