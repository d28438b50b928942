import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import { mergeMeans } from '../definition/running-mean.js';
import { ExecutionFault } from '../execution/execution-fault.js';
import type { RangeOrder } from '../execution/executor.js';
import { readEntries } from '../planning/entries.js';
import { tallyPlan } from '../planning/tally.js';
import type { ChunkReport } from '../runner/protocol.js';
import { storeFault } from '../storage/file/faults.js';
import type { SweepStore } from '../storage/sweep-store.js';
import { FAULT } from '../workflows/contract.js';
import { ChunkLink } from './chunk-link.js';
import type { ExecuteInput, ExecuteResult } from './contract.js';
import type { ActivityDependencies } from './dependencies.js';
import {
  atTheEdge,
  brokenSubmission,
  isUnwritableCode,
  storeUnwritable,
  wordUnwritable,
} from './failures.js';
import { keepBeating } from './heartbeat.js';
import { readRunEnvironment } from './run-environment.js';
import { StopSignal } from './stop-signal.js';

type Part = { readonly from: number; readonly to: number };

export function createExecute(dependencies: ActivityDependencies) {
  const declarations = new Map<string, Promise<ExperimentDeclaration | undefined>>();
  const faults = new FaultCounts();

  return (input: ExecuteInput): Promise<ExecuteResult> =>
    atTheEdge(async () => {
      const { openStore, worker, executor, live, leases } = dependencies;
      const store = await openStore(input.store);
      const folder = store.experimentFolder(input.experiment_id);
      const declaration = await cachedDeclaration(store, input);
      const setup: RangeOrder['setup'] = {
        folder,
        submission: input.submission,
        declaration: input.declaration,
      };
      const env = await readRunEnvironment(folder, input.submission, declaration.env);
      if (!env)
        throw brokenSubmission(
          input,
          'its env.json, with the variables that it names, is gone: submit again',
        );
      worker.provide(input.submission, input.slots ?? null);
      const place = {
        setup,
        timeout_ms: declaration.timeout_ms,
        memory_bytes: declaration.memory_bytes,
        cwd: declaration.cwd,
        env,
      };
      const link = new ChunkLink(dependencies, input);
      const end = await link.end();
      if (end === undefined)
        return { ...EMPTY, next: input.from, elapsed_ms: 0, worker: worker.id, slots: worker.slots() };
      const signal = new StopSignal(Context.current(), dependencies);
      const forget = leases.onLost(store, () => signal.yield());
      link.watch(signal);
      const entry = live.open(folder, input.submission, input.from);
      const began = performance.now();
      let result: ExecuteResult = {
        ...EMPTY,
        next: input.from,
        elapsed_ms: 0,
        worker: worker.id,
        slots: worker.slots(),
      };
      try {
        await keepBeating(
          async () => {
            for (const part of await partsToDo(store, input, end)) {
              if (signal.stopped) break;
              link.begin();
              const order = { from: part.from, to: part.to, budget_ms: input.budget_ms };
              const report = await executor.execute(
                { ...place, order },
                {
                  signal,
                  onProgress: (progress) => {
                    entry.show(progress);
                    link.look(progress, end, signal);
                  },
                },
              );
              result = { ...result, ...add(result, report), next: report.next };
              if (report.next < part.to) return;
            }
            if (!signal.stopped) result = { ...result, next: end };
          },
          () => entry.summary(),
        );
        if (signal.stopped === 'lost') throw new CancelledFailure('this attempt is no longer wanted');
        const lost = leases.whyLost(store);
        if (lost !== undefined) throw storeUnwritable(lost, result);
        faults.forget(input);
        return { ...result, elapsed_ms: Math.round(performance.now() - began) };
      } catch (fault) {
        throw fault instanceof ExecutionFault
          ? mapFault(fault, result, store.root, faults.add(input))
          : fault;
      } finally {
        forget();
        link.close();
        signal.close();
        entry.close();
      }
    });

  async function cachedDeclaration(store: SweepStore, input: ExecuteInput): Promise<ExperimentDeclaration> {
    const { experiment_id, declaration: sha } = input;
    const key = `${store.id}/${sha}`;
    if (!declarations.has(key)) {
      // A handful of submissions at once: what is older is read again.
      if (declarations.size >= 8) declarations.clear();
      const reading = store.readDeclaration(experiment_id, sha);
      reading.catch(() => declarations.delete(key));
      declarations.set(key, reading);
    }
    const declaration = await declarations.get(key);
    if (declaration) return declaration;
    declarations.delete(key);
    throw brokenSubmission(input, `its declaration ${sha} is not in the store: submit again`);
  }
}

const EMPTY: ChunkReport = { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };

function add(a: ChunkReport, b: ChunkReport): Omit<ChunkReport, 'next'> {
  return {
    success: a.success + b.success,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
    busy_ms: a.busy_ms + b.busy_ms,
    means: mergeMeans(a.means, b.means),
  };
}

/** An earlier attempt (a worker that died, or was taken for dead) may have recorded some of the range: not done again. */
async function partsToDo(store: SweepStore, input: ExecuteInput, to: number): Promise<readonly Part[]> {
  const range = { from: input.from, to };
  if (Context.current().info.attempt === 1) return [range];
  const plan = await store.readPlan(input.experiment_id, input.submission);
  if (!plan) throw brokenSubmission(input, 'its plan is not in the store: submit again');
  const folder = store.experimentFolder(input.experiment_id);
  const { missing } = await tallyPlan(folder, input.submission, readEntries(folder, plan), range);
  return missing;
}

/** A slot that can't be started, or dies idle, may be this machine's bad moment: tried again a few times. */
const MOST_FAULTS = 5;

/**
 * Faults of each range on this worker. Temporal's attempts count workers that were killed, too, which is no sign that the
 * next slot will fail.
 */
class FaultCounts {
  readonly #counts = new Map<string, number>();

  add(input: ExecuteInput): number {
    const count = (this.#counts.get(keyOf(input)) ?? 0) + 1;
    this.#counts.set(keyOf(input), count);
    return count;
  }

  forget(input: ExecuteInput): void {
    this.#counts.delete(keyOf(input));
  }
}

const keyOf = ({ submission, from, to }: ExecuteInput) => `${submission} ${from} ${to}`;

function mapFault(fault: ExecutionFault, done: ExecuteResult, root: string, faults: number): Error {
  const result = { ...done, ...add(done, fault.report), next: Math.max(done.next, fault.report.next) };
  if (isUnwritableCode(fault.code)) {
    const thrown = Object.assign(new Error(fault.message), { code: fault.code });
    return storeUnwritable(wordUnwritable(storeFault(thrown, root)), result);
  }
  const hopeless = fault.code === 'IMPORT' || (fault.code !== 'CLOSED' && faults >= MOST_FAULTS);
  return ApplicationFailure.create({
    message: fault.message,
    type: FAULT.execution,
    nonRetryable: hopeless,
    details: hopeless ? [result] : [],
  });
}
