import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { metalab, startMetalab } from '../support/metalab.js';
import { manifestOf, recordOf, writeSegment } from '../support/records.js';

// Other tests run commands in their own process: what a command leaves open would not be seen there.
let store: FileStore;

beforeAll(async () => {
  store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await store.writeManifest(manifestOf());
  writeSegment(
    store,
    [0, 1, 2].map((index) => recordOf({ index, params: { lr: index / 10 }, metrics: { loss: index } })),
  );
});

test.each([
  'results pi_mc',
  'results pi_mc --group-by lr',
  'results pi_mc --nowhere',
  'plot pi_mc --x lr --y loss',
  'compare pi_mc',
  'query SELECT(1) pi_mc',
  'export pi_mc --csv -',
  'logs pi_mc',
  'artifacts pi_mc',
  'list',
  'status pi_mc',
  'store check',
  'services status',
])('metalab %s ends by itself, and prints what it prints in the process of a test', async (line) => {
  const args = [...line.split(' '), '--store', store.root];
  const { code, stdout, stderr } = await startMetalab(args).finished;
  expect({ code, signal: null, stdout, stderr }).toEqual(await metalab(args));
  expect(`${stdout}${stderr}`).not.toBe('');
});
