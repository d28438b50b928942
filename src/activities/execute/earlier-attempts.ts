import { ApplicationFailure, Context } from '@temporalio/activity';
import type { ExecuteInput, ExecuteResult } from '../../contract/activities.js';
import type { PositionRange } from '../../definition/position-range.js';
import { tallyPlan } from '../../planning/tally.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { readEntries } from '../../storage/file/formats/plan-entries.js';
import type { ActivityDependencies } from '../dependencies.js';
import { brokenSubmission } from '../failures.js';
import { keepBeating } from '../heartbeat.js';
import type { WorkerIdentity } from '../ports.js';

/**
 * The positions of a chunk, up to `to`, that have no record. An earlier attempt (of a worker that died, or was taken
 * for dead) may have recorded some, which are not executed again.
 */
export async function missingRanges(
  store: FileStore,
  input: ExecuteInput,
  to: number,
): Promise<readonly PositionRange[]> {
  const range = { from: input.from, to };
  if (Context.current().info.attempt === 1) return [range];
  const plan = await store.readPlan(input.experiment_id, input.submission);
  if (!plan) throw brokenSubmission(input, 'its plan is not in the store: submit again');
  const folder = store.experimentFolder(input.experiment_id);
  const { missing } = await tallyPlan(folder, input.submission, readEntries(folder, plan), range);
  return missing;
}

/** The result of a chunk that executed nothing itself, and that gives back what earlier attempts did not record. */
export async function resultOfEarlier(
  store: FileStore,
  input: ExecuteInput,
  worker: WorkerIdentity,
): Promise<ExecuteResult> {
  const [first] = await missingRanges(store, input, input.to);
  return emptyResult(first?.from ?? input.to, worker);
}

export const emptyResult = (next: number, worker: WorkerIdentity): ExecuteResult => ({
  next,
  success: 0,
  failed: 0,
  cancelled: 0,
  busy_ms: 0,
  means: {},
  elapsed_ms: 0,
  worker: worker.id,
  slots: worker.slots(),
});

/**
 * Wraps `execute`: if a later attempt fails for good before it begins, for example because another engine has the
 * store by now, its failure reports what earlier attempts recorded. Otherwise the workflow would hand that out again.
 */
export function reportEarlier(
  { openStore, worker }: Pick<ActivityDependencies, 'openStore' | 'worker'>,
  execute: (input: ExecuteInput) => Promise<ExecuteResult>,
): (input: ExecuteInput) => Promise<ExecuteResult> {
  return async (input) => {
    try {
      return await execute(input);
    } catch (failure) {
      if (!(failure instanceof ApplicationFailure) || Context.current().info.attempt === 1) throw failure;
      const { message, type, nonRetryable, details } = failure;
      if (!nonRetryable || details?.length) throw failure;
      const result = await keepBeating(async () =>
        resultOfEarlier(await openStore(input.store), input, worker),
      ).catch(() => undefined);
      throw result ? ApplicationFailure.nonRetryable(message, type, result) : failure;
    }
  };
}
