import { expect, test } from 'vitest';
import { SlotAnnouncements } from '../../../src/activities/submission/slot-announcements.js';
import { FakeWorkflow, WORKER } from '../fakes.js';

/** A worker of two slots that announces them to one workflow. */
function announcements() {
  const workflow = new FakeWorkflow();
  const worker = { id: WORKER, slots: () => 2, provide: () => {} };
  return { workflow, offers: new SlotAnnouncements(worker, workflow) };
}

const notice = (submission: string, slots: number, lost: string | null = null) => ({
  submission,
  worker: WORKER,
  slots,
  lost,
});

test('a workflow hears of a worker with the first chunk that the worker gets, and not with each', async () => {
  const { workflow, offers } = announcements();
  offers.tell('s1', 'w', null);
  offers.tell('s1', 'w', null);
  offers.tell('s2', 'w', null);
  expect(workflow.announced).toEqual([notice('s1', 2), notice('s2', 2)]);
});

test('an announcement that did not arrive is repeated with the next chunk', async () => {
  const { workflow, offers } = announcements();
  workflow.isReachable = false;
  offers.tell('s1', 'w', null);
  workflow.isReachable = true;
  await expect
    .poll(() => {
      offers.tell('s1', 'w', null);
      return workflow.announced.length;
    })
    .toBe(2);
  offers.tell('s1', 'w', null);
  expect(workflow.announced).toHaveLength(2);
});

test('a workflow that got the slots with its plan gets no second announcement', () => {
  const { workflow, offers } = announcements();
  offers.planned('s1', 'w');
  offers.tell('s1', 'w', null);
  expect(workflow.announced).toEqual([]);
});

test('a workflow hears of each worker that was lost, whatever it knows of this one', () => {
  const { workflow, offers } = announcements();
  offers.planned('s1', 'w');
  offers.tell('s1', 'w', 'desktop-1');
  expect(workflow.announced).toEqual([notice('s1', 2, 'desktop-1')]);
});

test('a worker that ends takes back its slots from every workflow that counts on them', () => {
  const { workflow, offers } = announcements();
  offers.planned('s1', 'w');
  offers.tell('s2', 'w', null);
  offers.planned('over', 'w');
  offers.release('over');
  workflow.announced.length = 0;
  offers.withdraw();
  expect(workflow.announced).toEqual([notice('s1', 0), notice('s2', 0)]);
});
