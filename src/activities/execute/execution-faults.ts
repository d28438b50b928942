import { ApplicationFailure } from '@temporalio/activity';
import type { ExecuteInput, ExecuteResult } from '../../contract/activities.js';
import { FAULT } from '../../contract/workflow.js';
import type { ExecutionFault } from '../../execution/execution-fault.js';
import { storeFault } from '../../storage/file/faults.js';
import { formatUnwritable, isUnwritableCode, storeUnwritable } from '../failures.js';

/** A slot that can't be started, or dies idle, may be this machine's bad moment: tried again a few times. */
const MAX_FAULTS = 5;
/** What is written in a configuration stays wrong, but a file server may have been away. */
const MAX_SET_UPS = 2;

/** Room is made some time; the next array waits for it. */
const FULL_SPOOL = new Set(['SPOOL_ENOSPC', 'SPOOL_EDQUOT']);

/**
 * Faults of each range on this worker. Temporal's attempts count workers that were killed, too, which is no sign that the
 * next slot will fail.
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

/**
 * A fault of the place as the failure that the workflow gets.
 *
 * @param done what is recorded
 * @param root the store's, for the words
 * @param faults how many there were of this range
 */
export function mapFault(fault: ExecutionFault, done: ExecuteResult, root: string, faults: number): Error {
  if (isUnwritableCode(fault.code)) {
    const thrown = Object.assign(new Error(fault.message), { code: fault.code });
    return storeUnwritable(formatUnwritable(storeFault(thrown, root)), done);
  }
  if (fault.code === 'CANCELLED')
    return ApplicationFailure.nonRetryable(fault.message, FAULT.cancelled, done);
  const most = fault.code === 'SET_UP' ? MAX_SET_UPS : MAX_FAULTS;
  const passes = fault.code === 'CLOSED' || FULL_SPOOL.has(fault.code);
  const hopeless = fault.code === 'IMPORT' || (!passes && faults >= most);
  return ApplicationFailure.create({
    message: fault.message,
    type: FAULT.execution,
    nonRetryable: hopeless,
    details: hopeless ? [done] : [],
  });
}
