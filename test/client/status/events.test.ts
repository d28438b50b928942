import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { followEvents, type SweepEvent } from '../../../src/client/status/events.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { outcomeFile, segmentName, segmentsFolder } from '../../../src/storage/file/layout.js';
import type { SubmissionOutcome } from '../../../src/storage/manifest.js';
import { SWEEP, submitTo } from '../../activities/submission-in-store.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { recordOf } from '../../support/records.js';

const GOES_ON = new Promise<never>(() => {});

/** A planned submission of ten runs. */
async function submission() {
  const store = await temporaryStore('metalab-');
  await submitTo(store);
  mkdirSync(segmentsFolder(store.experimentFolder(SWEEP), 's1'), { recursive: true });
  const place = { store, experiment_id: SWEEP, submission: 's1' };
  return {
    store,
    place,
    /** One of two slots, which write at the same time, records a run. */
    run(cell: number) {
      const line = JSON.stringify(recordOf({ index: cell, experiment_id: SWEEP, status: 'success' }));
      appendFileSync(segmentOf(store, cell % 2), `${line}\n`);
    },
    end: () => store.writeOutcome({ ...place, store: undefined, ...OUTCOME } as unknown as SubmissionOutcome),
    /** @param last stops once it has the event of this cell */
    watch: (ended: Promise<unknown> = GOES_ON, last?: number) => watched(followEvents(place, ended), last),
  };
}

const segmentOf = (store: FileStore, slot: number) =>
  join(segmentsFolder(store.experimentFolder(SWEEP), 's1'), segmentName('records', `host-1-${slot}`));

const OUTCOME = { state: 'completed', total: 10, success: 10, failed: 0, cancelled: 0 };

/** Collects what a watcher gets. */
function watched(events: AsyncGenerator<SweepEvent, void>, last?: number) {
  const got: SweepEvent[] = [];
  const end = (async () => {
    for await (const event of events) {
      got.push(event);
      if (last !== undefined && cellsOf([event])[0] === last) break;
    }
  })();
  end.catch(() => {});
  return { got, end, cells: () => cellsOf(got) };
}

const cellsOf = (events: readonly SweepEvent[]) =>
  events.flatMap((event) => (event.type === 'run_finished' ? [event.record.index] : []));

test('all watchers get the same events in the same order, and a late one at once all that happened before', async () => {
  const { run, end, watch } = await submission();
  const watchers = Array.from({ length: 10 }, () => watch());
  for (const cell of [0, 1, 2, 3, 4]) {
    run(cell);
    await expect.poll(() => watchers[0]!.cells()).toContain(cell);
  }
  const late = watch();
  await expect.poll(() => late.cells().sort()).toEqual([0, 1, 2, 3, 4]);
  for (const cell of [6, 5, 8, 7, 9]) run(cell);
  await end();
  await Promise.all([...watchers, late].map((each) => each.end));
  const [first] = watchers;
  expect(first!.cells()).toHaveLength(10);
  expect(first!.got.at(-1)).toEqual({
    type: 'progress',
    status: { total: 10, success: 10, failed: 0, cancelled: 0 },
  });
  for (const other of watchers) expect(other.got).toEqual(first!.got);
  expect(late.cells().slice(5)).toEqual(first!.cells().slice(5));
});

test('ten watchers read the files no more often than one, and nobody reads them when nobody watches', async () => {
  const { store, run, watch } = await submission();
  const reads = vi.spyOn(store, 'readOutcome');
  const began = performance.now();
  const watchers = Array.from({ length: 10 }, () => watch(GOES_ON, 3));
  for (const cell of [0, 1, 2, 3]) {
    run(cell);
    for (const watcher of watchers) await expect.poll(watcher.cells).toContain(cell);
  }
  await Promise.all(watchers.map(({ end }) => end));
  expect(reads.mock.calls.length).toBeLessThanOrEqual((performance.now() - began) / 100 + 2);
  const before = reads.mock.calls.length;
  await sleep(300);
  expect(reads.mock.calls.length).toBe(before);
});

test('a watcher that stops, or takes its time, keeps nothing from the others', async () => {
  const { place, run, end, watch } = await submission();
  const slow = followEvents(place, GOES_ON);
  run(0);
  const first = await slow.next();
  const [stops, stays] = [watch(GOES_ON, 0), watch()];
  await stops.end;
  for (const cell of [1, 2, 3]) {
    run(cell);
    await expect.poll(stays.cells).toContain(cell);
  }
  expect(stops.cells()).toEqual([0]);
  await end();
  await stays.end;
  const rest: SweepEvent[] = [];
  for await (const event of slow) rest.push(event);
  expect(cellsOf([first.value!, ...rest])).toEqual([0, 1, 2, 3]);
});

test('a line that is being written is no event until it is whole', async () => {
  const { store, run, watch } = await submission();
  const watcher = watch(GOES_ON, 1);
  run(0);
  await expect.poll(watcher.cells).toEqual([0]);
  appendFileSync(segmentOf(store, 0), '{"run_id":');
  run(1);
  await watcher.end;
  expect(watcher.cells()).toEqual([0, 1]);
});

test('an error reaches all watchers', async () => {
  const { store, run, watch } = await submission();
  const watchers = [watch(), watch(), watch()];
  run(0);
  for (const watcher of watchers) await expect.poll(watcher.cells).toEqual([0]);
  writeFileSync(outcomeFile(store.experimentFolder(SWEEP), 's1'), 'no outcome');
  for (const watcher of watchers) await expect(watcher.end).rejects.toThrow('outcome.json');
});

test('what was written before the sweep was interrupted is an event, then the reason is thrown', async () => {
  const { run, watch } = await submission();
  let interrupt = (_: Error) => {};
  const ended = new Promise<never>((_, reject) => {
    interrupt = reject;
  });
  const watcher = watch(ended);
  run(0);
  await expect.poll(watcher.cells).toEqual([0]);
  run(1);
  interrupt(new Error('no workflow is running it'));
  await expect(watcher.end).rejects.toThrow('no workflow is running it');
  expect(watcher.cells()).toEqual([0, 1]);
});

test('what is written while the files are read is an event, too, if the sweep is interrupted right after', async () => {
  for (let step = 1; step <= 6; step++) {
    const { store, run, watch } = await submission();
    let interrupt = (_: Error) => {};
    const ended = new Promise<never>((_, reject) => {
      interrupt = reject;
    });
    const watcher = watch(ended);
    run(0);
    await expect.poll(watcher.cells).toEqual([0]);
    // One reading of the files asks for their folder several times.
    const folderOf = store.experimentFolder.bind(store);
    let asked = 0;
    vi.spyOn(store, 'experimentFolder').mockImplementation((experiment) => {
      if (++asked === step) {
        writeFileSync(
          segmentOf(store, 2),
          `${JSON.stringify(recordOf({ index: 1, experiment_id: SWEEP }))}\n`,
        );
        interrupt(new Error('no workflow is running it'));
      }
      return folderOf(experiment);
    });
    await expect(watcher.end).rejects.toThrow('no workflow is running it');
    expect(watcher.cells(), `step ${step}`).toEqual([0, 1]);
  }
});
