import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashFilesThere } from '../../src/transport/hash-files.js';
import { createShellTransport } from '../../src/transport/shell/shell-transport.js';

const folderOf = () => {
  const folder = mkdtempSync(join(tmpdir(), 'metalab-hash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('hashing is given up where the filesystem hangs', async () => {
  const hangs = join(folderOf(), 'hangs');
  // Reading it waits for a writer that never comes.
  execFileSync('mkfifo', [hangs]);
  await expect(
    hashFilesThere(createShellTransport(), [{ path: hangs, size_bytes: 1_000 }], 300),
  ).rejects.toMatchObject({ code: 'METALAB_TRANSPORT_TIMEOUT' });
});

test('a large file has the time that reading it takes', async () => {
  const path = join(folderOf(), 'file');
  writeFileSync(path, 'x');
  // 10 s at 5 MB/s, though there is no time beside that.
  const { hashes } = await hashFilesThere(createShellTransport(), [{ path, size_bytes: 50_000_000 }], 0);
  expect(hashes.get(path)).toMatch(/^2d711642b726b04401627ca9fbac32f5/);
});
