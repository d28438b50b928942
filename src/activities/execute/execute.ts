import { CancelledFailure, Context } from '@temporalio/activity';
import type { ExecuteInput, ExecuteResult } from '../../contract/activities.js';
import { mergeDigests } from '../../definition/run-digest.js';
import { mergeMeans } from '../../definition/running-mean.js';
import { ExecutionFault } from '../../execution/execution-fault.js';
import type { RangeRequest } from '../../execution/executor.js';
import type { ChunkReport } from '../../runner/protocol/protocol.js';
import type { ActivityDependencies } from '../dependencies.js';
import { mapFailures, noExecutor, storeUnwritable } from '../failures.js';
import { keepBeating } from '../heartbeat.js';
import { StopSignal } from '../stop-signal.js';
import { SubmissionFiles } from '../submission/submission-files.js';
import { ChunkSession } from './chunk-session.js';
import { emptyResult, missingRanges, resultOfEarlier } from './earlier-attempts.js';
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
      if (end === undefined) return keepBeating(() => resultOfEarlier(store, input, worker));
      const signal = new StopSignal(Context.current(), dependencies);
      const forget = leases.onLost(store, () => signal.yield());
      link.watch(signal);
      const entry = live.open(folder, input.submission, input.from);
      const began = performance.now();
      let result = emptyResult(input.from, worker);
      try {
        await keepBeating(
          async (pulse) => {
            const missing = await missingRanges(store, input, end);
            // What is recorded already is not given back: whoever got it would do it again.
            result = { ...result, next: missing[0]?.from ?? end };
            for (const [index, range] of missing.entries()) {
              if (signal.stopped || pulse.wasAsleep()) return;
              link.begin();
              const { budget_ms, failures_left: left } = input;
              const limit = left === undefined ? {} : { most_failures: Math.max(1, left - result.failed) };
              const order = { ...range, budget_ms, ...limit };
              const report = await executor.execute(
                { ...place, order },
                {
                  signal,
                  onProgress: (progress) => {
                    entry.show(progress);
                    if (!pulse.wasAsleep()) link.look(progress, end, signal);
                  },
                },
              );
              const isDone = report.next >= range.to;
              const next = isDone ? (missing[index + 1]?.from ?? end) : report.next;
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
