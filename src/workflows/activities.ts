import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../contract/activities.js';

export const { plan, settle, probe } = proxyActivities<Pick<Activities, 'plan' | 'settle' | 'probe'>>({
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
});

export const executeOn = (taskQueue: string) =>
  proxyActivities<Pick<Activities, 'execute'>>({
    taskQueue,
    startToCloseTimeout: '365 days',
    heartbeatTimeout: '20s',
    retry: { initialInterval: '200ms', maximumInterval: '30s' },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  }).execute;

/** The failure with which an activity ended; undefined if the failure is one of Temporal's own. */
export function faultOf(failure: unknown): ApplicationFailure | undefined {
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  return cause instanceof ApplicationFailure ? cause : undefined;
}
