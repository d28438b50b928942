import { ApplicationFailure, Context } from '@temporalio/activity';
import type { SubmissionRef } from '../contract/activities.js';
import { FAULT } from '../contract/workflow.js';
import { describeError, MetalabError, StoreError } from '../definition/errors.js';
import { ExecutionFault } from '../execution/execution-fault.js';
import { faultCode, storeFault } from '../storage/file/faults.js';

const UNWRITABLE = new Set([
  'METALAB_STORE_FULL',
  'METALAB_STORE_UNWRITABLE',
  'METALAB_STORE_HELD',
  // Somebody will fix its modes.
  'METALAB_STORE_UNSAFE',
  // Perhaps not mounted on this worker's machine: other workers may have it, and it may come back.
  'METALAB_STORE_MISSING',
  'METALAB_STORE_NOT_A_FOLDER',
]);
/**
 * Brief faults of a network filesystem are retried silently; after this many attempts people should know why nothing
 * progresses.
 */
const PATIENT_ATTEMPTS = 5;
/** The system's codes for what an immediate retry does not help: there is no room, or no permission. */
const UNWRITABLE_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM']);

/** A store of another version, or with unreadable content, will not be better at the next attempt. */
const HOPELESS = new Set(['METALAB_STORE_NEWER', 'METALAB_STORE_CORRUPT', 'METALAB_STORE_INCOMPLETE']);

export const isUnwritableCode = (code: string): boolean => UNWRITABLE_CODES.has(code);

/** What a person has to mend by hand: the reason says how. */
const NEEDS_ACCESS = new Set(['METALAB_STORE_UNWRITABLE', 'METALAB_STORE_UNSAFE']);

/** Why the store can't be used, and what to do, in one line: shown as the reason for waiting. */
export function formatUnwritable(error: Error): string {
  const what = error.message.split('\n', 1)[0]!;
  return error instanceof StoreError && NEEDS_ACCESS.has(error.code) ? `${what}; ${error.next}` : what;
}

/** The failure that makes the workflow wait for the store, with a message that status shows. */
export function storeUnwritable(message: string, result?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: FAULT.storeUnwritable,
    nonRetryable: true,
    details: result ? [result] : [],
  });
}

/** Content that is missing in the store does not come back by retrying. */
export function brokenSubmission(
  { submission, experiment_id }: SubmissionRef,
  what: string,
): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `submission ${submission} of ${experiment_id}: ${what}`,
    FAULT.brokenSubmission,
  );
}

/** Other workers may support the environment: within these attempts one of them gets the activity. */
const NO_EXECUTOR_ATTEMPTS = 5;

/** This worker has no executor for the submission's environment. */
export function noExecutor(error: unknown): never {
  const { message } = describeError(error);
  if (Context.current().info.attempt < NO_EXECUTOR_ATTEMPTS)
    throw ApplicationFailure.retryable(message, FAULT.execution);
  throw ApplicationFailure.nonRetryable(message, FAULT.execution);
}

const isUnwritable = (code: string) =>
  UNWRITABLE.has(code) || (code === 'METALAB_STORE_IO' && Context.current().info.attempt >= PATIENT_ATTEMPTS);

/** A fault of the executor before, or after, anything was executed there. */
function placeFailed({ code, message }: ExecutionFault): ApplicationFailure {
  const nonRetryable = code !== 'CLOSED' && Context.current().info.attempt >= PATIENT_ATTEMPTS;
  return ApplicationFailure.create({ message, type: FAULT.execution, nonRetryable });
}

/** Maps metalab's errors to Temporal failures, only at the activity's edge. */
export async function mapFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError && isUnwritable(error.code))
      throw storeUnwritable(formatUnwritable(error));
    if (error instanceof StoreError && HOPELESS.has(error.code))
      throw ApplicationFailure.nonRetryable(error.message, FAULT.brokenSubmission);
    if (error instanceof ExecutionFault) throw placeFailed(error);
    if (isUnwritableCode(faultCode(error) ?? ''))
      throw storeUnwritable(
        formatUnwritable(storeFault(error, (error as NodeJS.ErrnoException).path ?? 'this machine')),
      );
    if (error instanceof MetalabError) throw ApplicationFailure.retryable(error.message, error.code);
    throw error;
  }
}
