import { readFileSync, statSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadBundle } from '../../src/access/compile-cache.js';
import { temporaryFolder } from '../storage/file/temporary-store.js';

const nodeKeepsCompiled = 'enableCompileCache' in module;
const BUNDLE = "exports.answer = () => require('node:path').basename(__filename);\n";

let cache: string;
beforeEach(() => {
  cache = join(temporaryFolder(), 'cache');
  vi.stubEnv('METALAB_CACHE', cache);
  return () => vi.unstubAllEnvs();
});

function bundleOf(code: string): URL {
  const path = join(temporaryFolder(), 'bundle.cjs');
  writeFileSync(path, code);
  return pathToFileURL(path);
}

const answerOf = (url: URL, content = 'first') =>
  (loadBundle(url, content) as { answer(): unknown }).answer();

it('a bundle has its own require and names', () => {
  expect(answerOf(bundleOf(BUNDLE))).toBe('bundle.cjs');
});

it('a bundle is loaded where the cache can’t be written', () => {
  vi.stubEnv('METALAB_CACHE', '/dev/null/cache');
  expect(answerOf(bundleOf(BUNDLE))).toBe('bundle.cjs');
});

// Where Node keeps what it compiles, nothing of this is done.
describe.skipIf(nodeKeepsCompiled)('what was compiled', () => {
  const kept = () => join(cache, 'compiled', 'bundle.cjs');

  it('is kept for this user alone, and used again', () => {
    const url = bundleOf(BUNDLE);
    answerOf(url);
    expect(statSync(kept()).mode & 0o777).toBe(0o600);
    const before = statSync(kept(), { bigint: true });
    expect(answerOf(url)).toBe('bundle.cjs');
    expect(statSync(kept(), { bigint: true }).ino).toBe(before.ino);
  });

  it('is not taken for a bundle of another content and the same length', () => {
    answerOf(bundleOf("exports.answer = () => 'one';"), 'one');
    expect(answerOf(bundleOf("exports.answer = () => 'two';"), 'two')).toBe('two');
    expect(answerOf(bundleOf("exports.answer = () => 'two';"), 'two')).toBe('two');
  });

  it('is compiled again where the file is damaged or cut', () => {
    const url = bundleOf(BUNDLE);
    answerOf(url);
    const whole = readFileSync(kept());
    for (const damaged of [
      whole.subarray(0, 20),
      Buffer.concat([whole.subarray(0, 60), Buffer.alloc(whole.length - 60)]),
    ]) {
      writeFileSync(kept(), damaged);
      expect(answerOf(url)).toBe('bundle.cjs');
      expect(readFileSync(kept()).equals(damaged)).toBe(false);
    }
  });
});
