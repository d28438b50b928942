import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../../../src/storage/file/make-folder.js';

test('several may make folders of the same tree at the same time', async () => {
  const root = mkdtempSync(join(tmpdir(), 'make-folder-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (let tree = 0; tree < 50; tree++) {
    const leaves = Array.from({ length: 8 }, (_, leaf) =>
      join(root, `tree${tree}`, 'a', 'b', String(leaf % 4)),
    );
    await Promise.all(leaves.map(makeFolder));
    for (const leaf of leaves) expect(statSync(leaf).isDirectory()).toBe(true);
  }
});

test('a parent that answers "no such file" for every new folder is an error, not a wait for ever', {
  timeout: 5_000,
}, async () => {
  await expect(
    makeFolder(process.platform === 'linux' ? '/proc/metalab/below' : '/dev/null/metalab'),
  ).rejects.toThrow();
});
