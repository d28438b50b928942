// A planning thread: does units of a step until none is left, then reports.
import { parentPort, workerData } from 'node:worker_threads';
import { StoreError } from '../definition/errors.js';
import { type SharedPlan, StepWorker } from './steps.js';
import type { StepReply, StepRequest } from './threads.js';

const worker = new StepWorker(workerData as SharedPlan);

parentPort!.on('message', (order: StepRequest) => {
  takeUnits(order).then(
    () => reply({}),
    (error: unknown) => reply({ failure: formatFailure(error) }),
  );
});

async function takeUnits({ step, units, counter }: StepRequest): Promise<void> {
  const next = new Uint32Array(counter);
  for (let unit = Atomics.add(next, 0, 1); unit < units; unit = Atomics.add(next, 0, 1))
    await worker.do(step, unit);
}

function formatFailure(error: unknown): NonNullable<StepReply['failure']> {
  if (!(error instanceof StoreError))
    return {
      store: undefined,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  const { code, where, expected, next, message } = error;
  return { store: { code, where, expected, next }, message };
}

const reply = (message: StepReply) => parentPort!.postMessage(message);
