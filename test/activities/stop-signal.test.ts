import { Context } from '@temporalio/activity';
import { expect, test } from 'vitest';
import { StopSignal } from '../../src/activities/stop-signal.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { beginAttempt } from './activity-context.js';
import { FakeWorker } from './fakes.js';

/** A signal of an activity in progress. @returns also what an executor heard from it, in order */
async function listening({ slots = 2 } = {}) {
  const worker = new FakeWorker(await temporaryStore());
  worker.slots = slots;
  const attempt = beginAttempt();
  const signal = await attempt.run(async () => new StopSignal(Context.current(), worker.dependencies));
  const heard: string[] = [];
  signal.onStop((how) => heard.push(how));
  return { worker, attempt, signal, heard };
}

test('a cancel that somebody asked for cancels runs', async () => {
  const { attempt, signal, heard } = await listening();
  attempt.cancel('request');
  await expect.poll(() => heard).toEqual(['cancel']);
  expect(signal.stopped).toBe('cancel');
});

test('runs of a terminated workflow are cancelled', async () => {
  const { worker, attempt, signal, heard } = await listening();
  worker.workflow.isEnded = true;
  attempt.cancel('timeout');
  await expect.poll(() => heard).toEqual(['cancel']);
  expect(signal.stopped).toBe('cancel');
});

test('runs of a chunk that another worker has by now are not recorded as cancelled', async () => {
  const { attempt, signal, heard } = await listening();
  attempt.cancel('timeout');
  await expect.poll(() => heard).toEqual(['yield']);
  expect(signal.stopped).toBe('lost');
});

test('a worker that ends lets runs end', async () => {
  const { worker, signal, heard } = await listening();
  worker.stop();
  expect(heard).toEqual(['yield']);
  expect(signal.stopped).toBe('yield');
});

test('an activity that begins after its worker was asked to end hears of it at once', async () => {
  const { signal, heard } = await listening({ slots: 0 });
  expect(heard).toEqual(['yield']);
  expect(signal.stopped).toBe('yield');
});

test("an activity that outlasts its worker's end still reports: nobody else has it yet", async () => {
  const { attempt, signal, heard } = await listening();
  attempt.cancel('shutdown');
  await expect.poll(() => heard).toEqual(['yield']);
  expect(signal.stopped).toBe('yield');
});

test('a cancel comes through after a yield, and no later yield takes it back', async () => {
  const { worker, attempt, signal, heard } = await listening();
  signal.yield();
  attempt.cancel('request');
  await expect.poll(() => heard).toEqual(['yield', 'cancel']);
  worker.stop();
  signal.yield();
  expect(heard).toEqual(['yield', 'cancel']);
  expect(signal.stopped).toBe('cancel');
});

test('an executor that listens late hears at once what it missed', async () => {
  const { attempt, signal, heard } = await listening();
  attempt.cancel('request');
  await expect.poll(() => heard).toEqual(['cancel']);
  const late: string[] = [];
  signal.onStop((how) => late.push(how));
  expect(late).toEqual(['cancel']);
});

test('an activity that has ended no longer listens to its worker', async () => {
  const { worker, signal, heard } = await listening();
  expect(worker.listeners).toBe(1);
  signal.close();
  expect(worker.listeners).toBe(0);
  signal.yield();
  expect(heard).toEqual([]);
});
