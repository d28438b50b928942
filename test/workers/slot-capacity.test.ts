import { expect, it } from 'vitest';
import { SlotCapacity } from '../../src/workers/slot-capacity.js';

const never = new AbortController().signal;

it('a worker takes no more chunks than it has slots, and the next as soon as one is free', async () => {
  const capacity = new SlotCapacity(2, { grows: false });
  await capacity.reserveSlot({}, never);
  await capacity.reserveSlot({}, never);
  expect(capacity.tryReserveSlot()).toBeNull();
  let third = false;
  const waiting = capacity.reserveSlot({}, never).then(() => {
    third = true;
  });
  await Promise.resolve();
  expect(third).toBe(false);
  capacity.releaseSlot();
  await waiting;
  expect(capacity.tryReserveSlot()).toBeNull();
});

it('a background worker has as many slots as a submission asks for, until that is done', () => {
  const capacity = new SlotCapacity(1, { grows: true });
  capacity.provide('a', 3);
  capacity.provide('b', null);
  expect([capacity.tryReserveSlot(), capacity.tryReserveSlot(), capacity.tryReserveSlot()]).not.toContain(
    null,
  );
  expect(capacity.tryReserveSlot()).toBeNull();
  capacity.release('a');
  capacity.releaseSlot();
  expect(capacity.tryReserveSlot()).toBeNull();
  expect(capacity.size).toBe(1);
});

it('a foreground worker keeps the number of slots that its user set', () => {
  const capacity = new SlotCapacity(1, { grows: false });
  capacity.provide('a', 3);
  expect(capacity.size).toBe(1);
});

it('a reservation that is given up takes no slot', async () => {
  const capacity = new SlotCapacity(1, { grows: false });
  await capacity.reserveSlot({}, never);
  const abort = new AbortController();
  const given = capacity.reserveSlot({}, abort.signal);
  abort.abort();
  await expect(given).rejects.toBe(abort.signal.reason);
  capacity.releaseSlot();
  expect(capacity.tryReserveSlot()).not.toBeNull();
});
