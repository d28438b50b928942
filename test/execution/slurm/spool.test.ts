import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ClusterRetry } from '../../../src/execution/slurm/cluster-retry.js';
import { Spool } from '../../../src/execution/slurm/spool/spool.js';
import { knownSpool, StateFile } from '../../../src/execution/slurm/spool/state-file.js';
import { outcomeFile, submissionFolder } from '../../../src/storage/file/layout.js';
import { createShellTransport } from '../../../src/transport/shell/shell-transport.js';
import { writeInto } from './task/array.js';

let root: string;
const transport = createShellTransport();
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab spool ü'"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a spool that is not mounted is not created again, but waited for', async () => {
  const fileRoot = join(root, 'spool');
  const retry = new ClusterRetry(transport);
  const { id } = await Spool.open(transport, fileRoot, retry);
  expect((await Spool.open(transport, fileRoot, retry, id)).id).toBe(id);
  renameSync(fileRoot, join(root, 'away'));
  const waiting = Spool.open(transport, fileRoot, retry, id);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(existsSync(fileRoot)).toBe(false);
  renameSync(join(root, 'away'), fileRoot);
  expect((await waiting).id).toBe(id);
});

test('a cancel does not wait for a spool that is gone', async () => {
  let cancel = () => {};
  const onStop = (listener: (how: 'cancel') => void) => {
    cancel = () => listener('cancel');
    return () => {};
  };
  const retry = new ClusterRetry(transport, { signal: { onStop } });
  const fileRoot = join(root, 'spool');
  await Spool.open(transport, fileRoot, retry);
  const waiting = Spool.open(transport, fileRoot, retry, 'fedcba9876543210');
  cancel();
  await expect(waiting).rejects.toMatchObject({ code: 'SPOOL' });
});

test('what a submission that has not ended has in a spool makes that one the spool', async () => {
  const place = { place: transport.place, file_root: '/scratch/me' };
  mkdirSync(submissionFolder(root, 's1'), { recursive: true });
  expect(await knownSpool(root, place)).toBeUndefined();
  await new StateFile(root, 's1').change(() => ({ spool: { ...place, id: 'abc' } }));
  expect(await knownSpool(root, place)).toBe('abc');
  expect(await knownSpool(root, { ...place, file_root: '/home/me' })).toBeUndefined();
  writeInto(outcomeFile(root, 's1'), '{}');
  expect(await knownSpool(root, place)).toBeUndefined();
});

test("a new spool is its owner's alone; one that strangers can change is waited for, with the command that mends it", async () => {
  const fileRoot = join(root, 'group', 'spool');
  const { id } = await Spool.open(transport, fileRoot, new ClusterRetry(transport));
  expect(statSync(fileRoot).mode & 0o777).toBe(0o700);
  const waits: (string | null)[] = [];
  const retry = new ClusterRetry(transport, { onWaits: (why) => void waits.push(why) });

  chmodSync(fileRoot, 0o777);
  const opened = Spool.open(transport, fileRoot, retry, id);
  await vi.waitFor(() => expect(waits).toHaveLength(1), 10_000);
  expect(waits[0]).toContain(`other users can change what would be executed from file_root ${fileRoot}`);
  expect(waits[0]).toContain(`chmod go-w '${fileRoot}'`);
  chmodSync(fileRoot, 0o700);
  expect((await opened).id).toBe(id);

  // Its folder may be moved away by everybody, and another put in its place.
  chmodSync(join(root, 'group'), 0o777);
  await expect(openNow(fileRoot)).rejects.toThrow(`${join(root, 'group')} (owner`);
  chmodSync(join(root, 'group'), 0o1777);
  await openNow(fileRoot);
});

test.skipIf(process.getuid?.() !== 0)(
  "a program there that is a stranger's is not executed; who owns the folders above is trusted",
  async () => {
    const fileRoot = join(root, 'group', 'spool');
    await openNow(fileRoot);
    chownSync(join(root, 'group'), 12_345, 12_345);
    await openNow(fileRoot);
    writeInto(join(fileRoot, 'runtime', 'abc', 'task.mjs'), '');
    chownSync(join(fileRoot, 'runtime', 'abc'), 12_345, 12_345);
    await expect(openNow(fileRoot)).rejects.toThrow('runtime/abc (owner uid 12345');
  },
);

test('on a filesystem without hard links, simultaneous first opens agree on one store', async () => {
  const bin = join(root, 'bin');
  writeInto(join(bin, 'ln'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(bin, 'ln'), 0o755);
  const { PATH } = process.env;
  onTestFinished(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = `${bin}:${PATH}`;
  const opened = await Promise.all(Array.from({ length: 12 }, () => openNow(join(root, 'spool'))));
  expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
  // Left by one that was killed before it wrote.
  writeFileSync(join(root, 'spool', 'store.json'), '');
  utimesSync(join(root, 'spool', 'store.json'), 1, 1);
  expect((await openNow(join(root, 'spool'))).id).toMatch(/^[0-9a-f]{16}$/);
});

const openNow = (fileRoot: string) =>
  Spool.open(transport, fileRoot, new ClusterRetry(transport, { throwNeeded: true }));
