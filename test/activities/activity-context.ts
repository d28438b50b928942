import { asyncLocalStorage, CancelledFailure, Context, type Info } from '@temporalio/activity';
import { ActivityCancellationDetails } from '@temporalio/common';

/** How Temporal ends an activity: somebody asked for it, the worker ends, or the server has given it to another. */
export type CancelledBy = 'request' | 'shutdown' | 'timeout';

/** One attempt of an activity, with Temporal's own context. */
export interface Attempt {
  /** The details of each heartbeat. */
  readonly heartbeats: unknown[];
  run<T>(work: () => Promise<T>): Promise<T>;
  cancel(by: CancelledBy): void;
}

export const WORKFLOW = { workflowId: 'metalab/store/sweep:1', runId: 'first-run' };

/** @param info what differs from a first attempt that has just been scheduled */
export function beginAttempt(info: Partial<Info> = {}): Attempt {
  const heartbeats: unknown[] = [];
  const abort = new AbortController();
  const holder: { details?: ActivityCancellationDetails } = {};
  const cancelled = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(abort.signal.reason));
  });
  cancelled.catch(() => {});
  const all = {
    attempt: 1,
    activityId: '1',
    workflowExecution: WORKFLOW,
    currentAttemptScheduledTimestampMs: Date.now(),
    ...info,
  } as Info;
  const context = new Context(
    all,
    cancelled,
    abort.signal,
    (details) => heartbeats.push(details),
    undefined,
    undefined as unknown as Context['log'],
    undefined as unknown as Context['metricMeter'],
    holder,
  );
  return {
    heartbeats,
    run: (work) => asyncLocalStorage.run(context, work),
    cancel(by) {
      holder.details = new ActivityCancellationDetails({ cancelRequested: by === 'request' });
      abort.abort(new CancelledFailure(by === 'shutdown' ? 'WORKER_SHUTDOWN' : 'CANCELLED'));
    },
  };
}
