import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Feed } from '../../../src/client/status/feed.js';
import { RunningSweeps } from '../../../src/client/status/running-sweeps.js';
import { workflowIdOf } from '../../../src/contract/workflow.js';
import { connectTemporal } from '../../../src/engine/connect.js';
import { planFile } from '../../../src/storage/file/layout.js';
import { openWorkingDirectory } from '../../../src/storage/registry.js';
import { countedSweep, executionsIn } from '../../support/engine.js';
import { metalab } from '../../support/metalab.js';
import { projectWith } from '../../support/project.js';
import { until } from '../../support/until.js';

const EVERY_MS = 200;
const TIMES = 5;

/** A sweep in progress, and a feed whose queries are counted where they leave for the server. */
async function followed() {
  const project = await projectWith(countedSweep(3, 0, 'true'));
  await metalab(['submit', 'counted.mjs', '--detach', '--slots', '1', '--store', project.store], {
    cwd: project.folder,
  });
  onTestFinished(async () => {
    writeFileSync(project.path('go'), '');
    await metalab(['attach', 'counted', '--store', project.store]);
  });
  await until(() => executionsIn(project).length === 1);
  const temporal = await connectTemporal({ start: false });
  onTestFinished(() => temporal.connection.close());
  const query = vi.fn();
  const client = new Client({
    ...temporal,
    interceptors: {
      workflow: [
        {
          query(input, next) {
            query(input.workflowExecution.workflowId);
            return next(input);
          },
        },
      ],
    },
  });
  const store = await openWorkingDirectory(project.store);
  const experiment_id = 'counted:1';
  const [submission] = await store.submissions(experiment_id);
  const feed = new Feed(client);
  const place = { store, experiment_id, submission: submission! };
  /** Asks for the status again and again. @returns the states that it saw */
  const watch = async () => {
    const states: string[] = [];
    for (let time = 0; time < TIMES; time++) {
      states.push((await feed.status(place, EVERY_MS)).state);
      await sleep(EVERY_MS);
    }
    return states;
  };
  return { client, temporal, query, feed, place, watch };
}

test('ten watchers of a sweep query its workflow no more often than one', async () => {
  const { client, query, feed, place, watch } = await followed();
  const seen = await Promise.all(Array.from({ length: 10 }, watch));
  for (const states of seen) expect(states).toEqual(Array(TIMES).fill('running'));
  // One more where a watcher is late by a moment.
  expect(query.mock.calls.length).toBeLessThanOrEqual(TIMES + 1);

  // Other views of the experiment share the query, too.
  query.mockClear();
  const workflowId = workflowIdOf(place.store.id, place.experiment_id);
  const sweeps = new RunningSweeps(client, feed);
  const [listed] = await Promise.all([
    sweeps.read(EVERY_MS),
    feed.answer(workflowId, EVERY_MS),
    feed.status({ ...place, submission: 'another' }, EVERY_MS),
  ]);
  expect(listed.map(({ store }) => store)).toContain(place.store.uri);
  // Two if the list came late; sweeps of other tests are asked, too.
  const own = query.mock.calls.filter(([asked]) => asked === workflowId);
  expect(own.length).toBeLessThanOrEqual(2);
});

test('a sweep whose store is damaged is listed with the counts of its workflow, beside the others', async () => {
  const { client, place } = await followed();
  const plan = planFile(place.store.experimentFolder(place.experiment_id), place.submission);
  const whole = readFileSync(plan);
  writeFileSync(plan, 'no plan');
  const listed = await new RunningSweeps(client).read();
  writeFileSync(plan, whole);
  expect(listed.find(({ store }) => store === place.store.uri)).toMatchObject({ state: 'running', total: 3 });
});

test('one that asks once gets an answer from after its call, however old an answer others accept', async () => {
  const { query, feed, place } = await followed();
  await feed.status(place, 60_000);
  await feed.status(place, 60_000);
  expect(query).toHaveBeenCalledTimes(1);
  await feed.status(place, 0);
  expect(query).toHaveBeenCalledTimes(2);
});

test('a server that does not answer is an error for all watchers, and is asked once', async () => {
  const { temporal, query, feed, place } = await followed();
  await temporal.connection.close();
  const asked = Array.from({ length: 10 }, () => feed.status(place, EVERY_MS));
  for (const each of await Promise.allSettled(asked))
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'METALAB_TEMPORAL' } });
  expect(query).toHaveBeenCalledTimes(1);
});
