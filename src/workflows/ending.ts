import { ApplicationFailure, CancelledFailure, patched } from '@temporalio/workflow';
import type { SubmissionOutcome } from '../storage/manifest.js';

export type Ending = Pick<
  SubmissionOutcome,
  'state' | 'reason' | 'total' | 'success' | 'failed' | 'cancelled'
>;

/** What the Temporal UI shows as the result of a workflow. */
export type EndCounts = Pick<Ending, 'total' | 'success' | 'failed' | 'cancelled'>;

/** The type of the failure that ends a workflow whose last submission has runs that did not succeed. */
const NOT_ALL_SUCCEEDED = 'NotAllSucceeded';

/**
 * Ends the workflow as its last submission ended, by the same rule as the exit code of `submit`.
 *
 * @returns the counts, if all runs succeeded
 * @throws CancelledFailure or ApplicationFailure, with the counts in its message
 */
export function endWorkflowAs(ending: Ending | undefined): EndCounts | undefined {
  if (!ending) return undefined;
  const { state, total, success, failed, cancelled } = ending;
  const counts = { total, success, failed, cancelled };
  if (state === 'completed' && failed === 0 && cancelled === 0) return counts;
  if (!patched('ends-as-its-last-submission')) return undefined;
  if (state === 'cancelled') throw new CancelledFailure(describeEnding(ending));
  throw ApplicationFailure.nonRetryable(describeEnding(ending), NOT_ALL_SUCCEEDED, counts);
}

/** `30 runs: 28 success, 2 failed`, and why it ended. */
function describeEnding({ total, success, failed, cancelled, reason }: Ending): string {
  const missing = total - success - failed - cancelled;
  const parts = [
    `${success} success`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(missing > 0 ? [`${missing} not done`] : []),
  ];
  return `${total} runs: ${parts.join(', ')}${reason ? `; ${reason}` : ''}`;
}
