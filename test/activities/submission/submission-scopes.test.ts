import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoreLeases } from '../../../src/activities/submission/store-leases.js';
import { SubmissionScopes } from '../../../src/activities/submission/submission-scopes.js';
import type { SubmissionOutcome } from '../../../src/storage/manifest.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { HOLDER, OTHER_ENGINE } from '../fakes.js';

const ONE = { experiment_id: 'one:1', submission: 'first' };
const OTHER = { experiment_id: 'other:1', submission: 'second' };

/** Scopes over a real store, on a clock of the test's own. @returns also what was released, in order */
async function scopesOf() {
  const store = await temporaryStore();
  const released: string[] = [];
  const scopes = new SubmissionScopes(new StoreLeases(HOLDER), async (_, { submission }) => {
    released.push(submission);
  });
  return { store, released, scopes };
}

const outcomeOf = ({ experiment_id, submission }: typeof ONE) =>
  ({ experiment_id, submission, state: 'completed' }) as SubmissionOutcome;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a worker releases a submission that another worker settled', async () => {
  const { store, released, scopes } = await scopesOf();
  await scopes.during(store, ONE, async () => {});
  await scopes.during(store, OTHER, async () => {});
  vi.advanceTimersByTime(15_000);
  await store.writeOutcome(outcomeOf(ONE));
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => released).toEqual(['first']);
  expect(await store.lease.read()).toMatchObject({ worker: 'laptop-1' });

  await store.writeOutcome(outcomeOf(OTHER));
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => released).toEqual(['first', 'second']);
  await expect.poll(() => store.lease.read()).toBeUndefined();
  scopes.close();
});

test('a worker releases a submission for which no activity came for two minutes, and none that has one', async () => {
  const { store, released, scopes } = await scopesOf();
  await scopes.during(store, ONE, async () => {});
  let end = () => {};
  const long = scopes.during(store, OTHER, () => new Promise<void>((resolve) => (end = resolve)));
  for (let seconds = 0; seconds < 300; seconds += 15) {
    vi.advanceTimersByTime(15_000);
    await expect.poll(() => store.lease.read()).toBeDefined();
  }
  await expect.poll(() => released).toEqual(['first']);
  end();
  await long;
  expect(released).toEqual(['first']);
  scopes.close();
});

test('an activity that begins while the lease is given back has a lease when it works', async () => {
  let reached = () => {};
  let goOn = () => {};
  const isReleasing = new Promise<void>((resolve) => (reached = resolve));
  const mayRelease = new Promise<void>((resolve) => (goOn = resolve));
  const { store, scopes } = await scopesOf();
  const release = store.lease.release.bind(store.lease);
  vi.spyOn(store.lease, 'release').mockImplementation(async (holder) => {
    reached();
    await mayRelease;
    await release(holder);
  });
  await scopes.during(store, ONE, async () => {});
  const settling = scopes.settle(store, ONE, async () => {});
  await isReleasing;
  const seen = scopes.during(store, OTHER, async () => {
    await settling;
    return store.lease.read();
  });
  goOn();
  expect(await seen).toMatchObject({ worker: 'laptop-1' });
  scopes.close();
});

test('a lease that was about to be given back stays where another submission of the store came meanwhile', async () => {
  const { store, scopes } = await scopesOf();
  await scopes.during(store, ONE, async () => {});
  let opened: Promise<unknown> = Promise.resolve();
  await scopes.settle(store, ONE, async () => {
    opened = scopes.during(store, OTHER, () => store.lease.read());
  });
  expect(await opened).toMatchObject({ worker: 'laptop-1' });
  expect(await store.lease.read()).toMatchObject({ worker: 'laptop-1' });
  scopes.close();
});

test('a store that another engine has is neither kept nor taken later', async () => {
  const { store, released, scopes } = await scopesOf();
  await store.lease.take(OTHER_ENGINE);
  await expect(scopes.during(store, ONE, async () => {})).rejects.toMatchObject({
    code: 'METALAB_STORE_HELD',
  });
  await store.lease.release(OTHER_ENGINE);
  vi.advanceTimersByTime(300_000);
  expect(await store.lease.read()).toBeUndefined();
  expect(released).toEqual([]);
  scopes.close();
});

test('a submission is released before its files are tidied, and the store is given back after that', async () => {
  const { store, released, scopes } = await scopesOf();
  await scopes.during(store, ONE, async () => {});
  await scopes.settle(store, ONE, async () => {
    expect(released).toEqual(['first']);
    expect(await store.lease.read()).toMatchObject({ worker: 'laptop-1' });
  });
  expect(await store.lease.read()).toBeUndefined();
  vi.advanceTimersByTime(300_000);
  expect(released).toEqual(['first']);
  scopes.close();
});

test('a submission whose files could not be tidied is settled by the next attempt', async () => {
  const { store, scopes } = await scopesOf();
  await scopes.during(store, ONE, async () => {});
  const failing = scopes.settle(store, ONE, () => Promise.reject(new Error('EBUSY')));
  await expect(failing).rejects.toThrow('EBUSY');
  await scopes.settle(store, ONE, async () => {});
  expect(await store.lease.read()).toBeUndefined();
  scopes.close();
});

test('a submission is kept while the store does not say whether it has ended', async () => {
  let reads = 0;
  let isAway = true;
  const { store, released, scopes } = await scopesOf();
  const readOutcome = store.readOutcome.bind(store);
  vi.spyOn(store, 'readOutcome').mockImplementation(async (experiment_id, submission) => {
    reads++;
    if (isAway) throw new Error('ESTALE');
    return readOutcome(experiment_id, submission);
  });
  await scopes.during(store, ONE, async () => {});
  await store.writeOutcome(outcomeOf(ONE));
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => reads).toBe(1);
  expect(released).toEqual([]);
  isAway = false;
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => released).toEqual(['first']);
  scopes.close();
});

test('a submission that comes back after its release is kept, and released, once more', async () => {
  const { store, released, scopes } = await scopesOf();
  await scopes.during(store, ONE, async () => {});
  vi.advanceTimersByTime(135_000);
  await expect.poll(() => released).toEqual(['first']);
  await expect.poll(() => store.lease.read()).toBeUndefined();
  await scopes.during(store, ONE, async () => {});
  expect(await store.lease.read()).toMatchObject({ worker: 'laptop-1' });
  vi.advanceTimersByTime(135_000);
  await expect.poll(() => released).toEqual(['first', 'first']);
  await expect.poll(() => store.lease.read()).toBeUndefined();
  scopes.close();
});

test('a release that fails keeps neither the lease nor other submissions', async () => {
  const store = await temporaryStore();
  const tried: string[] = [];
  const scopes = new SubmissionScopes(new StoreLeases(HOLDER), async (_, { submission }) => {
    tried.push(submission);
    if (submission === 'first') throw new Error('its slots do not end');
  });
  await scopes.during(store, ONE, async () => {});
  await scopes.during(store, OTHER, async () => {});
  vi.advanceTimersByTime(135_000);
  await expect.poll(() => tried).toEqual(['first', 'second']);
  await expect.poll(() => store.lease.read()).toBeUndefined();
  scopes.close();
});

test('an activity that fails is over: its submission is released by age', async () => {
  const { store, released, scopes } = await scopesOf();
  const failing = scopes.during(store, ONE, () => Promise.reject(new Error('no space')));
  await expect(failing).rejects.toThrow('no space');
  vi.advanceTimersByTime(135_000);
  await expect.poll(() => released).toEqual(['first']);
  await expect.poll(() => store.lease.read()).toBeUndefined();
  scopes.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('a submission that is settled, and comes back, while the store is asked whether it has ended, is kept', async () => {
  const { store, released, scopes } = await scopesOf();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const asked = vi.spyOn(store, 'readOutcome').mockImplementation(async () => {
    await answered;
    return outcomeOf(ONE);
  });
  await scopes.during(store, ONE, async () => {});
  vi.advanceTimersByTime(15_000);
  await expect.poll(() => asked.mock.calls.length).toBe(1);
  await scopes.settle(store, ONE, async () => {});
  let end = () => {};
  let begin = () => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const again = scopes.during(store, ONE, () => {
    begin();
    return new Promise<void>((resolve) => (end = resolve));
  });
  await begun;
  answer();
  await Promise.all(asked.mock.results.map(({ value }) => value));
  await new Promise(setImmediate);
  expect(released).toEqual(['first']);
  end();
  await again;
  scopes.close();
});
