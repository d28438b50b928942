import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { StoreError } from '../definition/errors.js';
import { type SharedPlan, type Step, StepWorker, unitsOf } from './steps.js';

/** Below both limits, starting threads (30 ms) takes longer than they save. */
const WORTH_CELLS = 20_000;
const WORTH_BYTES = 32 * 1024 * 1024;
/** More threads would read the same disk. */
const MAX_THREADS = 8;

/** Does the steps of one plan, in one or several threads. */
export interface Planners {
  do(step: Step): Promise<void>;
  close(): Promise<void>;
}

/**
 * A request to a thread. Threads take units by incrementing a shared counter, so that all end at about the same time.
 */
export interface StepRequest {
  readonly step: Step;
  readonly units: number;
  /** One number: the next unit. */
  readonly counter: SharedArrayBuffer;
}

/** How a thread ended its part of a step. An error's class is lost between threads. */
export interface StepReply {
  readonly failure?: {
    readonly store: Pick<StoreError, 'code' | 'where' | 'expected' | 'next'> | undefined;
    readonly message: string;
  };
}

/**
 * Creates the planners of one plan. Threads hash and scan, so that this process can still send heartbeats and talk to
 * its slots. If there is little to do, this thread does it.
 *
 * @param bytes number of bytes to scan
 * @param threads how many; by default, as many as save time
 */
export function makePlanners(
  shared: SharedPlan,
  bytes: number,
  threads = countThreads(shared, bytes),
): Planners {
  return threads === 0 ? new OwnThread(shared) : new Threads(shared, threads);
}

function countThreads({ declaration, cells, parts }: SharedPlan, bytes: number): number {
  const hashed = declaration ? cells : 0;
  if (hashed < WORTH_CELLS && bytes < WORTH_BYTES) return 0;
  // Each thread has a copy of the declaration, whose list of cases may be large: 130 MB for a million.
  if (declaration?.params.kind === 'manual') return 1;
  const units = Math.max(Math.ceil(hashed / WORTH_CELLS), parts.length);
  return Math.min(availableParallelism(), MAX_THREADS, units);
}

class OwnThread implements Planners {
  readonly #shared: SharedPlan;
  readonly #worker: StepWorker;

  constructor(shared: SharedPlan) {
    this.#shared = shared;
    this.#worker = new StepWorker(shared);
  }

  async do(step: Step): Promise<void> {
    for (let unit = 0; unit < unitsOf(step, this.#shared); unit++) await this.#worker.do(step, unit);
  }

  async close(): Promise<void> {}
}

class Threads implements Planners {
  readonly #shared: SharedPlan;
  readonly #threads: readonly Worker[];

  constructor(shared: SharedPlan, count: number) {
    this.#shared = shared;
    this.#threads = Array.from({ length: count }, () => {
      return new Worker(new URL('./thread-main.js', import.meta.url), {
        workerData: shared,
        execArgv: [],
        // The strings of a cell live for a microsecond, so a larger young generation would only take memory.
        resourceLimits: { maxYoungGenerationSizeMb: 16 },
      });
    });
  }

  async do(step: Step): Promise<void> {
    const order = { step, units: unitsOf(step, this.#shared), counter: new SharedArrayBuffer(4) };
    await Promise.all(this.#threads.map((thread) => ask(thread, order)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}

function ask(thread: Worker, order: StepRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number) => reject(new Error(`a planning thread ended with exit code ${code}`));
    thread.once('error', reject);
    thread.once('exit', onExit);
    thread.once('message', ({ failure }: StepReply) => {
      thread.off('error', reject);
      thread.off('exit', onExit);
      if (failure) reject(revive(failure));
      else resolve();
    });
    thread.postMessage(order);
  });
}

function revive({ store, message }: NonNullable<StepReply['failure']>): Error {
  if (!store) return new Error(message);
  const [first = ''] = message.split('\n');
  const what = store.where ? first.replace(`${store.where}: `, '') : first;
  return new StoreError({ code: store.code, what, ...given(store) });
}

/** Removes keys without a value. */
const given = ({ where, expected, next }: { where?: string; expected?: string; next?: string }) => ({
  ...(where === undefined ? {} : { where }),
  ...(expected === undefined ? {} : { expected }),
  ...(next === undefined ? {} : { next }),
});
