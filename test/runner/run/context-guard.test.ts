import { mkdtempSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../../src/identity/fingerprint.js';
import { ContextGuard } from '../../../src/runner/run/context-guard.js';

let folder: string;
let path: string;
let guard: ContextGuard;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-guard-'));
  path = join(folder, 'data');
  writeFileSync(path, 'one');
  const { size, mtimeMs, ino } = statSync(path);
  guard = new ContextGuard([
    { path, content_hash: sha256('one'), size_bytes: size, mtime_ms: mtimeMs, inode: ino },
  ]);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the same content in another file of the same name is no change', () => {
  expect(guard.check()).toBeUndefined();
  writeFileSync(join(folder, 'copy'), 'one');
  renameSync(join(folder, 'copy'), path);
  expect(guard.check()).toBeUndefined();
});

test('other content of the same size is a change, until it is put back', () => {
  writeFileSync(path, 'two');
  expect(guard.check()).toContain('has changed since');
  writeFileSync(path, 'one');
  expect(guard.check()).toBeUndefined();
});

test('a file that is gone is a change', () => {
  unlinkSync(path);
  expect(guard.check()).toContain("can't be read any more");
});
