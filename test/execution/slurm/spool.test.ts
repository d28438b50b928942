import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Patience } from '../../../src/execution/slurm/ask.js';
import { knownSpool } from '../../../src/execution/slurm/known-spool.js';
import { Spool } from '../../../src/execution/slurm/spool.js';
import { StateFile } from '../../../src/execution/slurm/state-file.js';
import { createShellTransport } from '../../../src/execution/transport/shell/shell-transport.js';
import { outcomeFile, submissionFolder } from '../../../src/storage/file/layout.js';
import { writeInto } from './task/array.js';

let root: string;
const transport = createShellTransport();
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab spool ü'"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a spool that is not mounted is not made anew, but waited for', async () => {
  const fileRoot = join(root, 'spool');
  const patience = new Patience(transport);
  const { id } = await Spool.open(transport, fileRoot, patience);
  expect((await Spool.open(transport, fileRoot, patience, id)).id).toBe(id);
  renameSync(fileRoot, join(root, 'away'));
  const waiting = Spool.open(transport, fileRoot, patience, id);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(existsSync(fileRoot)).toBe(false);
  renameSync(join(root, 'away'), fileRoot);
  expect((await waiting).id).toBe(id);
});

test('who cancels does not wait for a spool that is gone', async () => {
  let cancel = () => {};
  const onStop = (listener: (how: 'cancel') => void) => {
    cancel = () => listener('cancel');
    return () => {};
  };
  const patience = new Patience(transport, { signal: { onStop } });
  const fileRoot = join(root, 'spool');
  await Spool.open(transport, fileRoot, patience);
  const waiting = Spool.open(transport, fileRoot, patience, 'fedcba9876543210');
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
