import { readdirSync, renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProbe } from '../../src/activities/probe.js';
import { StoreError } from '../../src/definition/errors.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { FakeWorker, HOLDER, OTHER_ENGINE } from './fakes.js';
import { submitTo } from './submission-in-store.js';

async function probed(overrides: ConstructorParameters<typeof FakeWorker>[1] = {}) {
  const store = await temporaryStore('metalab-');
  const input = await submitTo(store);
  const { dependencies } = new FakeWorker(store, overrides);
  return { store, probe: () => createProbe(dependencies)(input) };
}

test('a store that can be written again is taken, and no trace of the attempt is left', async () => {
  const { store, probe } = await probed();
  const before = readdirSync(store.root);
  expect(await probe()).toBeNull();
  expect(readdirSync(store.root).sort()).toEqual([...before, 'lease.json'].sort());
  expect(await store.lease.read()).toMatchObject(HOLDER);
});

test('a store that another engine has is waited for', async () => {
  const { store, probe } = await probed();
  await store.lease.take(OTHER_ENGINE);
  expect(await probe()).toContain('the store is in use by the engine');
  await store.lease.release(OTHER_ENGINE);
  expect(await probe()).toBeNull();
});

test('a store whose folder is away is waited for', async () => {
  const { store, probe } = await probed({ openStore: (uri) => openFileStore(uri) });
  renameSync(store.root, `${store.root}-away`);
  expect(await probe()).toContain(store.root);
  renameSync(`${store.root}-away`, store.root);
  expect(await probe()).toBeNull();
});

test('nothing is written to a store that strangers can change, and the user reads what to do', async () => {
  const { store, probe } = await probed({
    refuseStrangers: () => {
      throw new StoreError({
        code: 'METALAB_STORE_UNSAFE',
        where: '/store',
        what: 'others can change it',
        next: 'chmod go-w /store',
      });
    },
  });
  expect(await probe()).toBe('/store: others can change it; chmod go-w /store');
  expect(await store.lease.read()).toBeUndefined();
});
