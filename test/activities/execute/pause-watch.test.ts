import { expect, test } from 'vitest';
import { PauseWatch } from '../../../src/activities/execute/pause-watch.js';
import { statusOf } from '../fakes.js';

const RUNNING = statusOf('s1');
const PAUSED = statusOf('s1', { phase: 'paused', paused: true });

test('a batch is paused while its workflow says so', async () => {
  const answers = [PAUSED, RUNNING, null];
  const pause = new PauseWatch(
    async () => answers.shift(),
    () => false,
  );
  expect(await pause.isPaused()).toBe(true);
  expect(await pause.isPaused()).toBe(false);
  expect(await pause.isPaused()).toBe(false);
});

test('a pause lasts while the workflow does not answer', async () => {
  const answers = [PAUSED, undefined, undefined];
  const pause = new PauseWatch(
    async () => answers.shift(),
    () => false,
  );
  await pause.isPaused();
  expect(await pause.isPaused()).toBe(true);
});

test('a batch does not begin before its workflow has said that it is not paused', async () => {
  const answers = [undefined, undefined, PAUSED];
  const pause = new PauseWatch(
    async () => answers.shift(),
    () => false,
  );
  expect(await pause.isPaused()).toBe(true);
  expect(answers).toEqual([]);
});

test('a batch that is asked to stop does not wait for an answer, and does not begin', async () => {
  const pause = new PauseWatch(
    async () => undefined,
    () => true,
  );
  expect(await pause.isPaused()).toBe(true);
});
