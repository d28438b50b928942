import { ApplicationFailure } from '@temporalio/activity';
import type { ExecuteInput, ExecuteResult } from '../../contract/activities.js';
import { FAULT } from '../../contract/workflow.js';
import type { ExecutionFault } from '../../execution/execution-fault.js';
import { storeFault } from '../../storage/file/faults.js';
import { formatUnwritable, isUnwritableCode, storeUnwritable } from '../failures.js';

/** A slot that can't start, or dies idle, may be a passing problem of this machine: it is retried a few times. */
const MAX_FAULTS = 5;
/** An error in the configuration stays, but a file server may have been away. */
const MAX_SET_UPS = 2;

/** Somebody will make room at some time; the next array waits for it. */
const FULL_SPOOL = new Set(['SPOOL_ENOSPC', 'SPOOL_EDQUOT']);

/**
 * Counts the faults of each range on this worker, without those that pass by themselves. Temporal's attempts also count
 * workers that were killed, which does not mean that the next slot will fail.
 */
export class FaultCounts {
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

/** What may not be accessed, as at the end of Node's message; a full disk is the whole store's. */
const forbiddenPath = ({ code, message }: ExecutionFault): string | undefined =>
  code === 'EACCES' || code === 'EPERM' ? /'(.+)'$/.exec(message)?.[1] : undefined;

/**
 * Converts a fault of the executor to the failure that the workflow gets.
 *
 * @param done what is recorded
 * @param root the store's root, for the message
 * @param count counts the fault; returns how many this range has had
 */
export function mapFault(
  fault: ExecutionFault,
  done: ExecuteResult,
  root: string,
  count: () => number,
): Error {
  if (isUnwritableCode(fault.code)) {
    const thrown = Object.assign(new Error(fault.message), { code: fault.code });
    return storeUnwritable(formatUnwritable(storeFault(thrown, forbiddenPath(fault) ?? root)), done);
  }
  if (fault.code === 'CANCELLED')
    return ApplicationFailure.nonRetryable(fault.message, FAULT.cancelled, done);
  const most = fault.code === 'SET_UP' ? MAX_SET_UPS : MAX_FAULTS;
  const passes = fault.code === 'CLOSED' || FULL_SPOOL.has(fault.code);
  const hopeless = fault.code === 'IMPORT' || (!passes && count() >= most);
  return ApplicationFailure.create({
    message: fault.message,
    type: FAULT.execution,
    nonRetryable: hopeless,
    details: hopeless ? [done] : [],
  });
}
