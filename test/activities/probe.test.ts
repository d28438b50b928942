import { chmodSync, readdirSync, renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProbe } from '../../src/activities/probe.js';
import { StoreError } from '../../src/definition/errors.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { refuseStrangers } from '../../src/storage/file/refuse-strangers.js';
import { asOrdinaryUser } from '../storage/file/ordinary-user.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { FakeWorker, HOLDER, OTHER_ENGINE } from './fakes.js';
import { SWEEP, submitTo } from './submission-in-store.js';

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

test.each([
  ['written', 0o555, ''],
  ['read', 0o000, '/declarations'],
])(
  "a store whose experiment's folder may not be %s is waited for, and the user reads what to do",
  async (_, mode, path) => {
    const { store, probe } = await asOrdinaryUser(() =>
      probed({ refuseStrangers: ({ root }, used) => refuseStrangers(root, used, () => true) }),
    );
    const folder = store.experimentFolder(SWEEP);
    chmodSync(folder, mode);
    expect(await asOrdinaryUser(probe)).toBe(
      `${folder}${path}: permission denied; give yourself access to it, or name another store with --store`,
    );
    chmodSync(folder, 0o755);
    expect(await asOrdinaryUser(probe)).toBeNull();
    expect(readdirSync(folder).filter((name) => name.includes('probe'))).toEqual([]);
  },
);

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
