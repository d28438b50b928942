import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoreLeases } from '../../../src/activities/submission/store-leases.js';
import { StoreError } from '../../../src/definition/errors.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { HOLDER, OTHER_ENGINE } from '../fakes.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const HELD = { code: 'METALAB_STORE_HELD' };

/** A store that another engine takes over. */
async function takenOver() {
  const store = await temporaryStore('metalab-');
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  const lost = vi.fn();
  const forget = leases.onLost(store, lost);
  await store.lease.take(OTHER_ENGINE, { takeOver: true });
  return { store, leases, lost, forget };
}

/** A gate: what waits at it goes on once it is open. */
function gate() {
  let open = () => {};
  let reach = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const pass = () => {
    reach();
    return opened;
  };
  return { open: () => open(), reached, pass };
}

test('a store that one engine holds can not be held by another', async () => {
  const store = await temporaryStore();
  await new StoreLeases(HOLDER).hold(store);
  await expect(new StoreLeases(OTHER_ENGINE).hold(store)).rejects.toMatchObject(HELD);
  expect(await store.lease.read()).toMatchObject(HOLDER);
});

test('a lease is renewed while no activity begins', async () => {
  const store = await temporaryStore();
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  const before = (await store.lease.read())!.renewed_at;
  vi.advanceTimersByTime(15_000);
  await expect.poll(async () => (await store.lease.read())!.renewed_at).not.toBe(before);
  await leases.close();
});

test('the renewal notices that another engine has taken the store over, and chunks in progress hear of it', async () => {
  const { store, leases, lost } = await takenOver();
  expect(leases.whyLost(store)).toBeUndefined();
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => lost).toHaveBeenCalledOnce();
  expect(leases.whyLost(store)).toContain('the store is in use by the engine');
  expect(await store.lease.read()).toMatchObject(OTHER_ENGINE);
  await leases.close();
});

test('an activity that begins before the next renewal notices it too', async () => {
  const { store, leases, lost } = await takenOver();
  await expect(leases.hold(store)).rejects.toMatchObject(HELD);
  expect(lost).toHaveBeenCalledOnce();
  await leases.close();
});

test('a chunk that has ended hears nothing of it', async () => {
  const { store, leases, lost, forget } = await takenOver();
  forget();
  await expect(leases.hold(store)).rejects.toMatchObject(HELD);
  expect(lost).not.toHaveBeenCalled();
  await leases.close();
});

test('a lost lease is taken again once the other engine has given it back', async () => {
  const { store, leases } = await takenOver();
  await expect(leases.hold(store)).rejects.toMatchObject(HELD);
  await store.lease.release(OTHER_ENGINE);
  await leases.hold(store);
  expect(leases.whyLost(store)).toBeUndefined();
  expect(await store.lease.read()).toMatchObject(HOLDER);
  await leases.close();
});

test('a worker that ends does not give back the lease of the engine that took the store over', async () => {
  const { store, leases } = await takenOver();
  await leases.close();
  expect(await store.lease.read()).toMatchObject(OTHER_ENGINE);
});

test('a lease that was given back is free for another engine, and is not taken again', async () => {
  const store = await temporaryStore();
  const take = vi.spyOn(store.lease, 'take');
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  await leases.giveBack(store, () => true);
  expect(await store.lease.read()).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
  await new StoreLeases(OTHER_ENGINE).hold(store);
  expect(take.mock.calls.map(([{ engine }]) => engine)).toEqual(['engine', 'another']);
});

test('a lease that is in use again is not given back', async () => {
  const store = await temporaryStore();
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  await leases.giveBack(store, () => false);
  expect(await store.lease.read()).toMatchObject(HOLDER);
  expect(vi.getTimerCount()).toBe(1);
  await leases.close();
});

test('a lease that is held again after it was given back is renewed again', async () => {
  const store = await temporaryStore();
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  await leases.giveBack(store, () => true);
  await leases.hold(store);
  expect(await store.lease.read()).toMatchObject(HOLDER);
  expect(vi.getTimerCount()).toBe(1);
  await leases.close();
});

test('a renewal that was due while the lease was given back does not take it again', async () => {
  const reading = gate();
  const store = await temporaryStore();
  const read = store.lease.read.bind(store.lease);
  let isSlow = false;
  vi.spyOn(store.lease, 'read').mockImplementation(async () => {
    if (isSlow) await reading.pass();
    return read();
  });
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  vi.advanceTimersByTime(14_000);
  isSlow = true;
  const held = leases.hold(store);
  await reading.reached;
  const givenBack = leases.giveBack(store, () => true);
  vi.advanceTimersByTime(1_000);
  reading.open();
  await Promise.all([held, givenBack]);
  // A turn behind the renewal's.
  await leases.giveBack(store, () => false);
  expect(await read()).toBeUndefined();
});

test('a renewal that the disk refuses loses no lease, and the next one is made', async () => {
  const store = await temporaryStore();
  const fault = new StoreError({
    code: 'METALAB_STORE_IO',
    where: store.root,
    what: 'EIO',
    next: 'try again',
  });
  let failed = 0;
  let isBroken = false;
  const take = store.lease.take.bind(store.lease);
  vi.spyOn(store.lease, 'take').mockImplementation(async (holder) => {
    if (!isBroken) return take(holder);
    failed++;
    throw fault;
  });
  const leases = new StoreLeases(HOLDER);
  await leases.hold(store);
  const lost = vi.fn();
  leases.onLost(store, lost);
  isBroken = true;
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => failed).toBe(1);
  expect(leases.whyLost(store)).toBeUndefined();
  isBroken = false;
  const before = (await store.lease.read())!.renewed_at;
  vi.advanceTimersByTime(15_000);
  await expect.poll(async () => (await store.lease.read())!.renewed_at).not.toBe(before);
  expect(lost).not.toHaveBeenCalled();
  await leases.close();
});

test('a worker that ends gives back the leases of all its stores, even if one store fails', async () => {
  const stores = [await temporaryStore(), await temporaryStore(), await temporaryStore()];
  vi.spyOn(stores[0]!.lease, 'release').mockRejectedValue(new Error('EIO'));
  const leases = new StoreLeases(HOLDER);
  for (const store of stores) await leases.hold(store);
  await leases.close();
  expect(await stores[1]!.lease.read()).toBeUndefined();
  expect(await stores[2]!.lease.read()).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
