import type { TaskEvidence } from '../array/classify-failure.js';

type ClassifiedTask = { readonly evidence: TaskEvidence };

/**
 * Whether somebody cancelled a whole array, not single tasks of it: the last event was the cancellation of at least two
 * of its tasks, or of its only one. If a task ended by itself after them, they were cancelled one by one and are done
 * in another round. Only for an array that metalab has not cancelled itself.
 */
export function isCancelledAsWhole(tasks: readonly ClassifiedTask[]): boolean {
  const cancelled = tasks.filter(({ evidence: { status, end } }) => {
    return status?.meaning === 'cancelled' && (!end || end.how === 'signal');
  });
  if (cancelled.length < Math.min(2, tasks.length)) return false;
  // A task that Slurm no longer knows is no evidence by itself.
  if (!cancelled.some(({ evidence: { status } }) => status!.state.startsWith('CANCELLED'))) return false;
  if (cancelled.every(({ evidence: { missing } }) => missing === 0)) return false;
  const lastOf = (ends: readonly TaskEvidence['end'][]) =>
    Math.max(...ends.map((end) => (end ? Date.parse(end.updated_at) : Number.NEGATIVE_INFINITY)));
  const lastCancelled = lastOf(cancelled.map(({ evidence }) => evidence.end));
  const others = tasks.filter((task) => !cancelled.includes(task)).map(({ evidence }) => evidence.end);
  return lastCancelled === Number.NEGATIVE_INFINITY || lastOf(others) <= lastCancelled;
}
