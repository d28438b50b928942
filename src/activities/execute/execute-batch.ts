import { createHash } from 'node:crypto';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { ExecuteInput, ExecuteResult } from '../../contract/activities.js';
import { FAULT } from '../../contract/workflow.js';
import type { BatchRequest } from '../../execution/batch-executor.js';
import { ExecutionFault } from '../../execution/execution-fault.js';
import type { FileStore } from '../../storage/file/file-store.js';
import type { ActivityDependencies } from '../dependencies.js';
import { mapFailures, noExecutor } from '../failures.js';
import { keepBeating } from '../heartbeat.js';
import { StopSignal } from '../stop-signal.js';
import { SubmissionFiles } from '../submission/submission-files.js';
import { BatchNotices } from './batch-notices.js';
import { emptyResult } from './earlier-attempts.js';
import { FaultCounts, mapFault } from './execution-faults.js';
import { PauseWatch } from './pause-watch.js';

/** Follows one batch that is executed elsewhere. A second attempt continues what the first has begun. */
export function createExecuteBatch(dependencies: ActivityDependencies) {
  const { openStore, executors, worker, workflows, live, leases } = dependencies;
  const files = new SubmissionFiles(dependencies.signatures);
  const faults = new FaultCounts();

  return (input: ExecuteInput): Promise<ExecuteResult> =>
    mapFailures(async () => {
      const { info } = Context.current();
      const { workflowId } = info.workflowExecution!;
      const store = await openStore(input.store);
      const request = await requestOf(store, input);
      const batches = await executors.batches(await files.environment(store, input)).catch(noExecutor);
      if (!batches)
        throw ApplicationFailure.retryable(
          'this worker does not execute batches of its environment',
          FAULT.execution,
        );
      const nothing: ExecuteResult = { ...emptyResult(input.from, worker), left: request.ranges };
      const signal = new StopSignal(Context.current(), dependencies);
      const pause = new PauseWatch(
        () => workflows.current(workflowId),
        () => signal.stopped !== undefined,
      );
      const forget = leases.onLost(store, () => signal.yield());
      const folder = store.experimentFolder(input.experiment_id);
      const entry = live.openBatch(folder, input.submission, input.from);
      const notices = new BatchNotices(
        (notice) => workflows.tell(workflowId, { submission: input.submission, from: input.from, ...notice }),
        { mayWait: info.attempt > 1 },
      );
      let job: string | null = null;
      try {
        const report = await keepBeating(
          async () => {
            if (info.attempt === 1 && (await pause.isPaused())) return undefined;
            return batches.execute(request, {
              signal,
              isPaused: () => pause.isPaused(),
              onProgress: (progress) => {
                job = progress.job ?? job;
                entry.show(progress);
                notices.progress(progress);
                if (input.failures_left !== undefined) notices.failures(progress);
              },
            });
          },
          () => entry.summary(),
        );
        if (!report) return nothing;
        if (signal.stopped === 'lost') throw new CancelledFailure('this attempt is no longer wanted');
        faults.forget(input);
        const { success, failed, cancelled, busy_ms, means, digest, left, dealing } = report;
        // The runs' own duration, for sizing, without the time that the batch was pending.
        const counts = {
          success,
          failed,
          cancelled,
          busy_ms,
          elapsed_ms: Math.round(busy_ms),
          means,
          ...(digest && { digest }),
        };
        return { ...nothing, ...counts, next: input.to, left, dealing, job };
      } catch (fault) {
        throw fault instanceof ExecutionFault
          ? mapFault(fault, nothing, store.root, () => faults.add(input))
          : fault;
      } finally {
        forget();
        signal.close();
        entry.close();
      }
    });

  async function requestOf(store: FileStore, input: ExecuteInput): Promise<BatchRequest> {
    const { from, to, ranges = [{ from, to }], mean_ms = null, options } = input;
    const { timeout_ms, memory_bytes, resources, operation } = await files.declaration(store, input);
    const folder = store.experimentFolder(input.experiment_id);
    dependencies.refuseStrangers(store, { folder, bundle: operation.bundle });
    // The batch's executor uploads these values.
    await files.checkRunEnvironment(store, input);
    return {
      folder,
      experiment_id: input.experiment_id,
      submission: input.submission,
      declaration: input.declaration,
      token: tokenOf(Context.current()),
      ranges,
      mean_ms,
      slots: options.slots,
      timeout_ms,
      memory_bytes,
      ...(resources && { resources }),
      ...(options.artifacts && { artifacts: true }),
    };
  }
}

/** The same for all attempts of one activity, and different for every other activity. */
function tokenOf({ info }: Context): string {
  const { runId } = info.workflowExecution!;
  return createHash('sha256').update(`${runId}/${info.activityId}`).digest('hex').slice(0, 16);
}

/** How often the workflow is told about faults while a batch is in progress: their events must not fill its history. */
const isTold = (attempt: number) => Number.isInteger(Math.log2(attempt));

/**
 * A store that can't be written now is no reason to give up a batch: it is in progress, and its next attempt has its
 * token.
 */
export function retryStoreFaults(
  { workflows }: Pick<ActivityDependencies, 'workflows'>,
  execute: (input: ExecuteInput) => Promise<ExecuteResult>,
): (input: ExecuteInput) => Promise<ExecuteResult> {
  return async (input) => {
    try {
      return await execute(input);
    } catch (failure) {
      if (!(failure instanceof ApplicationFailure) || failure.type !== FAULT.storeUnwritable) throw failure;
      const { workflowExecution, attempt } = Context.current().info;
      const { submission, from } = input;
      const notice = { submission, from, waits: failure.message };
      if (isTold(attempt)) await workflows.tell(workflowExecution!.workflowId, notice);
      throw ApplicationFailure.retryable(failure.message, FAULT.storeUnwritable);
    }
  };
}
