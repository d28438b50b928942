import { CancelledFailure, Context } from '@temporalio/activity';
import type { ExecuteInput, ExecuteResult } from '../../contract/activities.js';
import type { PositionRange } from '../../definition/position-range.js';
import { mergeDigests } from '../../definition/run-digest.js';
import { mergeMeans } from '../../definition/running-mean.js';
import { ExecutionFault } from '../../execution/execution-fault.js';
import type { RangeRequest } from '../../execution/executor.js';
import { tallyPlan } from '../../planning/tally.js';
import type { ChunkReport } from '../../runner/protocol.js';
import { readEntries } from '../../storage/file/formats/plan-entries.js';
import type { Store } from '../../storage/store.js';
import type { ActivityDependencies } from '../dependencies.js';
import { brokenSubmission, mapFailures, noExecutor, storeUnwritable } from '../failures.js';
import { keepBeating } from '../heartbeat.js';
import { StopSignal } from '../stop-signal.js';
import { SubmissionFiles } from '../submission/submission-files.js';
import { ChunkSession } from './chunk-session.js';
import { FaultCounts, mapFault } from './execution-faults.js';

export function createExecute(dependencies: ActivityDependencies) {
  const files = new SubmissionFiles(dependencies.signatures);
  const faults = new FaultCounts();

  return (input: ExecuteInput): Promise<ExecuteResult> =>
    mapFailures(async () => {
      const { openStore, worker, executors, live, leases } = dependencies;
      const store = await openStore(input.store);
      const folder = store.experimentFolder(input.experiment_id);
      const declaration = await files.declaration(store, input);
      dependencies.refuseStrangers(store, { folder, bundle: declaration.operation.bundle });
      const { umask } = await files.manifest(store, input);
      const setup: RangeRequest['setup'] = {
        folder,
        submission: input.submission,
        declaration: input.declaration,
        ...(umask !== undefined && { umask }),
      };
      const env = await files.runEnvironment(store, input, declaration.env);
      worker.provide(input.submission, input.options.slots);
      const executor = await executors.slots(await files.environment(store, input)).catch(noExecutor);
      const place = {
        setup,
        timeout_ms: declaration.timeout_ms,
        memory_bytes: declaration.memory_bytes,
        isolate: declaration.isolate ?? false,
        objective: declaration.objective,
        cwd: declaration.cwd,
        env,
      };
      const link = new ChunkSession(dependencies, input);
      const end = await link.end();
      if (end === undefined) {
        const [first] = await keepBeating(() => partsToDo(store, input, input.to));
        const next = first?.from ?? input.to;
        return { ...EMPTY, next, elapsed_ms: 0, worker: worker.id, slots: worker.slots() };
      }
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
            const parts = await partsToDo(store, input, end);
            // What is recorded already is not given back: whoever got it would do it again.
            result = { ...result, next: parts[0]?.from ?? end };
            for (const [index, part] of parts.entries()) {
              if (signal.stopped) return;
              link.begin();
              const { budget_ms, failures_left: left } = input;
              const limit = left === undefined ? {} : { most_failures: Math.max(1, left - result.failed) };
              const order = { from: part.from, to: part.to, budget_ms, ...limit };
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
              const isDone = report.next >= part.to;
              const next = isDone ? (parts[index + 1]?.from ?? end) : report.next;
              result = { ...result, ...add(result, report), next };
              if (!isDone) return;
            }
          },
          () => entry.summary(),
        );
        if (signal.stopped === 'lost') throw new CancelledFailure('this attempt is no longer wanted');
        const lost = leases.whyLost(store);
        if (lost !== undefined) throw storeUnwritable(lost, result);
        faults.forget(input);
        return { ...result, slots: worker.slots(), elapsed_ms: Math.round(performance.now() - began) };
      } catch (fault) {
        throw fault instanceof ExecutionFault
          ? mapFault(fault, { ...atFault(result, fault.report), slots: worker.slots() }, store.root, () =>
              faults.add(input),
            )
          : fault;
      } finally {
        forget();
        link.close();
        signal.close();
        entry.close();
      }
    });
}

const EMPTY: ChunkReport = { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };

function add(a: ChunkReport, b: ChunkReport): Omit<ChunkReport, 'next'> {
  return {
    success: a.success + b.success,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
    busy_ms: a.busy_ms + b.busy_ms,
    means: mergeMeans(a.means, b.means),
    digest: mergeDigests(a.digest, b.digest),
  };
}

const atFault = (done: ExecuteResult, report: ChunkReport): ExecuteResult => ({
  ...done,
  ...add(done, report),
  next: Math.max(done.next, report.next),
});

/**
 * An earlier attempt (of a worker that died, or was taken for dead) may have recorded some of the range, which is not
 * done again.
 */
async function partsToDo(store: Store, input: ExecuteInput, to: number): Promise<readonly PositionRange[]> {
  const range = { from: input.from, to };
  if (Context.current().info.attempt === 1) return [range];
  const plan = await store.readPlan(input.experiment_id, input.submission);
  if (!plan) throw brokenSubmission(input, 'its plan is not in the store: submit again');
  const folder = store.experimentFolder(input.experiment_id);
  const { missing } = await tallyPlan(folder, input.submission, readEntries(folder, plan), range);
  return missing;
}
