import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ClusterRetry } from '../../../src/execution/slurm/cluster-retry.js';
import { uploadMissing } from '../../../src/execution/slurm/spool/upload.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab upload\nü'"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('what is there is not sent again, unless a crash has left it without its bytes', async () => {
  const transport = createShellTransport();
  const retry = new ClusterRetry(transport);
  writeFileSync(join(root, 'task.mjs'), 'work();\n');
  const uploads = [
    { from: { path: join(root, 'task.mjs') }, to: join(root, 'there', 'task.mjs') },
    { from: { bytes: '{"é":1}' }, to: join(root, 'there', 'env.json') },
  ];
  expect(await uploadMissing(transport, retry, uploads)).toBe(2);
  expect(await uploadMissing(transport, retry, uploads)).toBe(0);
  writeFileSync(join(root, 'there', 'task.mjs'), '');
  expect(await uploadMissing(transport, retry, uploads)).toBe(1);
  expect(readFileSync(join(root, 'there', 'task.mjs'), 'utf8')).toBe('work();\n');
});

test('what is there already is right, whatever has become of it here', async () => {
  const transport = createShellTransport();
  const from = { path: join(root, 'data.csv') };
  writeFileSync(from.path, 'changed since it was submitted\n');
  writeFileSync(join(root, 'there.csv'), '1,2\n');
  const upload = { from, to: join(root, 'there.csv'), sha256: 'a'.repeat(64), size: 4 };
  expect(await uploadMissing(transport, new ClusterRetry(transport), [upload])).toBe(0);
});
